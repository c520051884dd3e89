#pragma once

#include <string>

#include "record/interval.h"
#include "record/summary.h"

namespace redline {

/// Appends the lines of the driver's table about the store behind the cache and the defences
/// against stampedes; none where there was no store.
void addBacking(std::string& out, const Summary& summary);

/// The part of the live line about the store; empty where it was not used.
std::string storeText(const Interval& interval);

}  // namespace redline
