/** Trees drawn with lines. */

/** One line of a tree and what hangs below it. */
export interface TreeNode {
  readonly text: string;
  readonly children: readonly TreeNode[];
}

/** Lines of a forest; the roots stand at the left edge. */
export function renderForest(roots: readonly TreeNode[]): string[] {
  return roots.flatMap((root) => [root.text, ...renderChildren(root.children, "")]);
}

function renderChildren(children: readonly TreeNode[], indent: string): string[] {
  return children.flatMap((child, index) => {
    const last = index === children.length - 1;
    const below = renderChildren(child.children, `${indent}${last ? "   " : "│  "}`);
    return [`${indent}${last ? "└─ " : "├─ "}${child.text}`, ...below];
  });
}
