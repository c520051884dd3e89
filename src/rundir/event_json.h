#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "record/event.h"

namespace redline {

/// One line of events.jsonl, with its newline. `zero` is the run's clock zero.
std::string eventToJsonLine(const Event& event, Nanos zero);

/// Reads the lines back; `at` counts from the run's zero.
Result<std::vector<Event>> parseEvents(std::string_view text, std::string_view name,
                                       std::vector<std::string>& warnings);

}  // namespace redline
