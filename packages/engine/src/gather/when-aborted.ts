/** Resolves when `signal` is aborted; `dispose` once nobody waits for it any more. */
export function whenAborted(signal: AbortSignal): { readonly promise: Promise<undefined>; dispose(): void } {
  let settle: (value: undefined) => void = () => {};
  const promise = new Promise<undefined>((resolve) => {
    settle = resolve;
  });
  const onAbort = (): void => settle(undefined);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return { promise, dispose: () => signal.removeEventListener("abort", onAbort) };
}
