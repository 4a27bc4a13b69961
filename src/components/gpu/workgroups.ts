/** Workgroups of 256 for `count` invocations, in two dimensions where one does not reach. */
export function linearWorkgroups(count: number): [number, number] {
  const workgroups = Math.ceil(count / 256);
  const x = Math.min(workgroups, 65535);
  return [x, Math.ceil(workgroups / x)];
}
