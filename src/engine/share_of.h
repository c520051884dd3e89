#pragma once

namespace redline {

/// The share of part `index` when `total` is dealt out to `parts` as evenly as can be.
constexpr unsigned shareOf(unsigned total, unsigned index, unsigned parts) {
  return total / parts + (index < total % parts ? 1 : 0);
}

}  // namespace redline
