// SPDX-License-Identifier: Apache-2.0
// Chances of a crowd, in the forms of napkin/formulas/probability.py, whose digits do not cancel.

// The Poisson probability of a number of events, which may be broken (Loader 2000).
function poisson(events, mean) {
  if (mean <= 0) return mean < 0 ? NaN : +(events === 0);
  if (events < 16) return (poisson(events + 1, mean) * (events + 1)) / mean;
  const off = mean / events - 1, square = events ** 2;
  const grown = off > -0.5 ? Math.log1p(off) : Math.log(mean / events);
  const stirling = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / events;
  return Math.exp(events * (grown - off) - stirling) / Math.sqrt(2 * Math.PI * events);
}
// The regularized incomplete beta function, for x below the mean, as a continued fraction (Lentz).
function beta(a, b, x) {
  const n = a + b, first = ((poisson(a, n * x) * poisson(b, n * (1 - x))) / poisson(n, n)) * (b / n);
  let inverse = 1, ratio = 1e160, value = 1;
  for (let i = 0; i < 1e5; i++) {
    const k = i >> 1, at = a + 2 * k;
    const above = i % 2 ? ((k + 1) * (b - k - 1) * x) / ((at + 1) * (at + 2)) : (-(a + k) * (n + k) * x) / (at * (at + 1));
    inverse = 1 / (1 + above * inverse || 1e-160);
    ratio = 1 + above / ratio || 1e-160;
    value *= ratio * inverse;
    if (!(Math.abs(ratio * inverse - 1) > 4e-16)) break;
  }
  return first * value;
}
// The chance that of some users, each active with a share of their time, more than the slots are.
export function overflow(users, slots, share) {
  if (!(slots >= 0)) return NaN; // where the weights do not fit
  if (users <= slots) return 0;
  const more = slots + 1, rest = users - slots;
  return share * (users + 3) > slots + 2 ? 1 - beta(rest, more, 1 - share) : beta(more, rest, share);
}
// The users at which that chance reaches a target.
export function usersAtOverflow(slots, share, target) {
  if (!(slots >= 0)) return NaN;
  let low = slots, high = (slots + 1) / share, middle;
  while (overflow(high, slots, share) < target) high *= 2;
  for (middle = (low + high) / 2; low < middle && middle < high; middle = (low + high) / 2)
    if (overflow(middle, slots, share) < target) low = middle;
    else high = middle;
  return low;
}
