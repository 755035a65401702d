;; Operations on the arena that JavaScript lacks or does slower: bulk copy, fill, compare, the
;; verification pattern, and 64-bit atomics whose values cross as two i32 halves (an i64 would be
;; a BigInt). Addresses are byte offsets into the one shared memory.
(module
  (import "arena" "memory" (memory 65536 65536 shared))

  (func (export "copy") (param $dst i32) (param $src i32) (param $bytes i32)
    (memory.copy (local.get $dst) (local.get $src) (local.get $bytes)))

  (func (export "fill") (param $dst i32) (param $byte i32) (param $bytes i32)
    (memory.fill (local.get $dst) (local.get $byte) (local.get $bytes)))

  ;; Offset of the first byte that differs, -1 when equal.
  (func (export "compare") (param $a i32) (param $b i32) (param $bytes i32) (result i32)
    (local $i i32)
    (block $words
      (loop $next
        (br_if $words (i32.gt_u (i32.add (local.get $i) (i32.const 8)) (local.get $bytes)))
        (br_if $words (i64.ne
          (i64.load align=1 (i32.add (local.get $a) (local.get $i)))
          (i64.load align=1 (i32.add (local.get $b) (local.get $i)))))
        (local.set $i (i32.add (local.get $i) (i32.const 8)))
        (br $next)))
    (block $bytes_done
      (loop $next
        (br_if $bytes_done (i32.ge_u (local.get $i) (local.get $bytes)))
        (if (i32.ne
              (i32.load8_u (i32.add (local.get $a) (local.get $i)))
              (i32.load8_u (i32.add (local.get $b) (local.get $i))))
          (then (return (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i32.const -1))

  ;; Offset of the first byte that is not $byte, -1 when all are.
  (func (export "findOther") (param $a i32) (param $byte i32) (param $bytes i32) (result i32)
    (local $i i32) (local $want i64)
    (local.set $want (i64.mul (i64.extend_i32_u (local.get $byte)) (i64.const 0x0101010101010101)))
    (block $words
      (loop $next
        (br_if $words (i32.gt_u (i32.add (local.get $i) (i32.const 8)) (local.get $bytes)))
        (br_if $words (i64.ne (i64.load align=1 (i32.add (local.get $a) (local.get $i))) (local.get $want)))
        (local.set $i (i32.add (local.get $i) (i32.const 8)))
        (br $next)))
    (block $bytes_done
      (loop $next
        (br_if $bytes_done (i32.ge_u (local.get $i) (local.get $bytes)))
        (if (i32.ne (i32.load8_u (i32.add (local.get $a) (local.get $i))) (local.get $byte))
          (then (return (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i32.const -1))

  ;; The verification pattern. A 512-byte unit is 64 words of 64 bits:
  ;;   word 0     = version << 32 | low half of the unit number, in clear, so that a reader can tell what arrived
  ;;   word 1..63 = finish(base + word * 0xbf58476d1ce4e5b9), where base hashes (key, unit, version)
  ;; Whole units take the unrolled functions (7 words a turn, 9 turns), pieces of units $fillPart and $checkPart;
  ;; V8 does not inline wasm calls, therefore `finish` is spelled out where it is hot.
  (func $base (param $key i64) (param $unit i64) (param $version i32) (result i64)
    (i64.xor (local.get $key)
      (i64.xor (i64.mul (local.get $unit) (i64.const 0x9e3779b97f4a7c15))
               (i64.mul (i64.extend_i32_u (local.get $version)) (i64.const 0xd1b54a32d192ed03)))))

  (func $head (param $unit i64) (param $version i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $version)) (i64.const 32))
            (i64.and (local.get $unit) (i64.const 0xffffffff))))

  (func $word (param $base i64) (param $head i64) (param $word i32) (result i64)
    (local $x i64)
    (if (i32.eqz (local.get $word)) (then (return (local.get $head))))
    (local.set $x (i64.add (local.get $base)
      (i64.mul (i64.extend_i32_u (local.get $word)) (i64.const 0xbf58476d1ce4e5b9))))
    (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
    (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))

  ;; Writes words 1..63 of the unit at $at; $h enters as its base.
  (func $fillUnit (param $at i32) (param $h i64)
    (local $x i64) (local $end i32)
    (local.set $end (i32.add (local.get $at) (i32.const 504)))
    (loop $next
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (i64.store offset=8 align=1 (local.get $at)
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (i64.store offset=16 align=1 (local.get $at)
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (i64.store offset=24 align=1 (local.get $at)
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (i64.store offset=32 align=1 (local.get $at)
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (i64.store offset=40 align=1 (local.get $at)
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (i64.store offset=48 align=1 (local.get $at)
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (i64.store offset=56 align=1 (local.get $at)
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))
      (br_if $next (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 56))) (local.get $end)))))

  ;; 1 when words 1..63 of the unit at $at are those of the base $h.
  (func $sameUnit (param $at i32) (param $h i64) (result i32)
    (local $x i64) (local $diff i64) (local $end i32)
    (local.set $end (i32.add (local.get $at) (i32.const 504)))
    (loop $next
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (local.set $diff (i64.or (local.get $diff) (i64.xor (i64.load offset=8 align=1 (local.get $at))
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (local.set $diff (i64.or (local.get $diff) (i64.xor (i64.load offset=16 align=1 (local.get $at))
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (local.set $diff (i64.or (local.get $diff) (i64.xor (i64.load offset=24 align=1 (local.get $at))
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (local.set $diff (i64.or (local.get $diff) (i64.xor (i64.load offset=32 align=1 (local.get $at))
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (local.set $diff (i64.or (local.get $diff) (i64.xor (i64.load offset=40 align=1 (local.get $at))
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (local.set $diff (i64.or (local.get $diff) (i64.xor (i64.load offset=48 align=1 (local.get $at))
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))))
        (local.set $x (local.tee $h (i64.add (local.get $h) (i64.const 0xbf58476d1ce4e5b9))))
        (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32))) (i64.const 0x94d049bb133111eb)))
        (local.set $diff (i64.or (local.get $diff) (i64.xor (i64.load offset=56 align=1 (local.get $at))
          (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))))
      (if (i64.ne (local.get $diff) (i64.const 0)) (then (return (i32.const 0))))
      (br_if $next (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 56))) (local.get $end))))
    (i32.const 1))

  ;; Writes bytes [$lo, $lo + $bytes) of one unit to $at.
  (func $fillPart (param $at i32) (param $base i64) (param $head i64) (param $lo i32) (param $bytes i32)
    (local $end i32) (local $w i64) (local $lead i32)
    (local.set $end (i32.add (local.get $at) (local.get $bytes)))
    (loop $next
      (local.set $w (call $word (local.get $base) (local.get $head) (i32.shr_u (local.get $lo) (i32.const 3))))
      (local.set $lead (i32.and (local.get $lo) (i32.const 7)))
      (if (i32.and (i32.eqz (local.get $lead))
                   (i32.ge_u (i32.sub (local.get $end) (local.get $at)) (i32.const 8)))
        (then
          (i64.store align=1 (local.get $at) (local.get $w))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (local.set $lo (i32.add (local.get $lo) (i32.const 8))))
        (else
          (i32.store8 (local.get $at) (i32.wrap_i64
            (i64.shr_u (local.get $w) (i64.extend_i32_u (i32.shl (local.get $lead) (i32.const 3))))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $lo (i32.add (local.get $lo) (i32.const 1)))))
      (br_if $next (i32.ne (local.get $at) (local.get $end)))))

  ;; Offset of the first byte of [$at, $at + $bytes) that differs from bytes $lo.. of one unit, -1 when none does.
  (func $checkPart (param $start i32) (param $base i64) (param $head i64) (param $lo i32) (param $bytes i32) (result i32)
    (local $at i32) (local $end i32) (local $w i64) (local $lead i32) (local $byte i32)
    (local.set $at (local.get $start))
    (local.set $end (i32.add (local.get $at) (local.get $bytes)))
    (loop $next
      (local.set $w (call $word (local.get $base) (local.get $head) (i32.shr_u (local.get $lo) (i32.const 3))))
      (local.set $lead (i32.and (local.get $lo) (i32.const 7)))
      (if (i32.and
            (i32.and (i32.eqz (local.get $lead))
                     (i32.ge_u (i32.sub (local.get $end) (local.get $at)) (i32.const 8)))
            (i64.eq (i64.load align=1 (local.get $at)) (local.get $w)))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (local.set $lo (i32.add (local.get $lo) (i32.const 8))))
        (else
          (local.set $byte (i32.and (i32.wrap_i64
            (i64.shr_u (local.get $w) (i64.extend_i32_u (i32.shl (local.get $lead) (i32.const 3)))))
            (i32.const 255)))
          (if (i32.ne (i32.load8_u (local.get $at)) (local.get $byte))
            (then
              (global.set $expected (local.get $byte))
              (return (i32.sub (local.get $at) (local.get $start)))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $lo (i32.add (local.get $lo) (i32.const 1)))))
      (br_if $next (i32.ne (local.get $at) (local.get $end))))
    (i32.const -1))

  ;; Bytes $off.. of a pattern stream whose first unit is $unit, written to [$dst, $dst + $bytes).
  (func (export "patternFill")
    (param $dst i32) (param $bytes i32) (param $keyLo i32) (param $keyHi i32)
    (param $unitF f64) (param $version i32) (param $offF f64)
    (local $key i64) (local $unit i64) (local $base i64) (local $lo i32) (local $piece i32)
    (local.set $key (call $join (local.get $keyLo) (local.get $keyHi)))
    (local.set $unit (i64.add (i64.trunc_sat_f64_u (local.get $unitF))
                              (i64.shr_u (i64.trunc_sat_f64_u (local.get $offF)) (i64.const 9))))
    (local.set $lo (i32.and (i32.wrap_i64 (i64.trunc_sat_f64_u (local.get $offF))) (i32.const 511)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $bytes)))
        (local.set $piece (call $minU (i32.sub (i32.const 512) (local.get $lo)) (local.get $bytes)))
        (local.set $base (call $base (local.get $key) (local.get $unit) (local.get $version)))
        (if (i32.eq (local.get $piece) (i32.const 512))
          (then
            (i64.store align=1 (local.get $dst) (call $head (local.get $unit) (local.get $version)))
            (call $fillUnit (local.get $dst) (local.get $base)))
          (else
            (call $fillPart (local.get $dst) (local.get $base)
              (call $head (local.get $unit) (local.get $version)) (local.get $lo) (local.get $piece))))
        (local.set $dst (i32.add (local.get $dst) (local.get $piece)))
        (local.set $bytes (i32.sub (local.get $bytes) (local.get $piece)))
        (local.set $unit (i64.add (local.get $unit) (i64.const 1)))
        (local.set $lo (i32.const 0))
        (br $next))))

  ;; Version that the current unit of a self-describing stream carries; kept between the pieces of one stream.
  (global $version (mut i32) (i32.const 0))
  (global $expected (mut i32) (i32.const 0))
  (func (export "lastVersion") (result i32) (global.get $version))
  (func (export "lastExpected") (result i32) (global.get $expected))

  ;; Offset of the first byte of [$src, $src + $bytes) that differs from the pattern, -1 when none does.
  ;; $follow: take the version of every unit from its own first word (0 = $version holds for all); the
  ;; version stands in bytes 4..7, so a piece that ends before them keeps the one of the unit before.
  (func (export "patternCheck")
    (param $src i32) (param $bytes i32) (param $keyLo i32) (param $keyHi i32)
    (param $unitF f64) (param $version i32) (param $offF f64) (param $follow i32) (result i32)
    (local $key i64) (local $unit i64) (local $base i64) (local $head i64)
    (local $at i32) (local $lo i32) (local $piece i32) (local $bad i32)
    (local.set $key (call $join (local.get $keyLo) (local.get $keyHi)))
    (local.set $unit (i64.add (i64.trunc_sat_f64_u (local.get $unitF))
                              (i64.shr_u (i64.trunc_sat_f64_u (local.get $offF)) (i64.const 9))))
    (local.set $lo (i32.and (i32.wrap_i64 (i64.trunc_sat_f64_u (local.get $offF))) (i32.const 511)))
    (local.set $at (local.get $src))
    (if (i32.eqz (local.get $follow)) (then (global.set $version (local.get $version))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $bytes)))
        (local.set $piece (call $minU (i32.sub (i32.const 512) (local.get $lo)) (local.get $bytes)))
        (if (i32.and (i32.and (i32.ne (local.get $follow) (i32.const 0)) (i32.eqz (local.get $lo)))
                     (i32.ge_u (local.get $piece) (i32.const 8)))
          (then (global.set $version (i32.load offset=4 align=1 (local.get $at)))))
        (local.set $base (call $base (local.get $key) (local.get $unit) (global.get $version)))
        (local.set $head (call $head (local.get $unit) (global.get $version)))
        (block $same
          (if (i32.eq (local.get $piece) (i32.const 512))
            (then (if (i64.eq (i64.load align=1 (local.get $at)) (local.get $head))
              (then (br_if $same (call $sameUnit (local.get $at) (local.get $base)))))))
          (local.set $bad (call $checkPart (local.get $at) (local.get $base) (local.get $head)
            (local.get $lo) (local.get $piece)))
          (if (i32.ge_s (local.get $bad) (i32.const 0))
            (then (return (i32.add (i32.sub (local.get $at) (local.get $src)) (local.get $bad))))))
        (local.set $at (i32.add (local.get $at) (local.get $piece)))
        (local.set $bytes (i32.sub (local.get $bytes) (local.get $piece)))
        (local.set $unit (i64.add (local.get $unit) (i64.const 1)))
        (local.set $lo (i32.const 0))
        (br $next)))
    (i32.const -1))

  (func $minU (param $a i32) (param $b i32) (result i32)
    (select (local.get $a) (local.get $b) (i32.lt_u (local.get $a) (local.get $b))))

  ;; High half of the value that the last 64-bit operation of this thread saw.
  (global $hi (mut i32) (i32.const 0))
  (func (export "hi") (result i32) (global.get $hi))

  (func $keep (param $value i64) (result i32)
    (global.set $hi (i32.wrap_i64 (i64.shr_u (local.get $value) (i64.const 32))))
    (i32.wrap_i64 (local.get $value)))

  (func $join (param $lo i32) (param $hi i32) (result i64)
    (i64.or (i64.extend_i32_u (local.get $lo)) (i64.shl (i64.extend_i32_u (local.get $hi)) (i64.const 32))))

  (func (export "load64") (param $at i32) (result i32)
    (call $keep (i64.atomic.load (local.get $at))))

  (func (export "store64") (param $at i32) (param $lo i32) (param $hi i32)
    (i64.atomic.store (local.get $at) (call $join (local.get $lo) (local.get $hi))))

  (func (export "exchange64") (param $at i32) (param $lo i32) (param $hi i32) (result i32)
    (call $keep (i64.atomic.rmw.xchg (local.get $at) (call $join (local.get $lo) (local.get $hi)))))

  ;; 1 when the word held (expLo, expHi) and now holds (lo, hi).
  (func (export "cas64")
    (param $at i32) (param $expLo i32) (param $expHi i32) (param $lo i32) (param $hi i32) (result i32)
    (local $expected i64) (local $seen i64)
    (local.set $expected (call $join (local.get $expLo) (local.get $expHi)))
    (local.set $seen (i64.atomic.rmw.cmpxchg (local.get $at) (local.get $expected)
      (call $join (local.get $lo) (local.get $hi))))
    (drop (call $keep (local.get $seen)))
    (i64.eq (local.get $seen) (local.get $expected)))
)
