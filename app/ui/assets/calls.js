// Before the script of every component. Streamlit calls it again whenever what it is given changes,
// keeps the markup, and does not end the call before. So whatever a call has left running ends as
// the next one begins.
const lastCalls = new WeakMap();

// Returns `on`, which listens until the call ends, `atEnd`, which says what else ends with it, and
// `end`, for Streamlit to call as the component goes.
const begin = (parentElement) => {
  lastCalls.get(parentElement)?.abort();
  const call = new AbortController();
  lastCalls.set(parentElement, call);
  return {
    on: (target, type, listener, options = {}) =>
      target.addEventListener(type, listener, { ...options, signal: call.signal }),
    atEnd: (listener) => call.signal.addEventListener("abort", listener),
    end: () => call.abort(),
  };
};

