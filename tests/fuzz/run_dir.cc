// The files of a run directory: the first byte chooses which. An error names the file; what is read
// is written and read again.
#include "fuzz/target.h"
#include "rundir/event_json.h"
#include "rundir/interval_csv.h"
#include "rundir/plan.h"
#include "rundir/server_csv.h"
#include "rundir/summary_json.h"

namespace {

using namespace redline;

template <typename T>
bool sound(const Result<T>& result) {
  if (result) return true;
  require(result.error().code == ErrorCode::invalidInput, "an error that is not of input");
  require(result.error().message.starts_with("file"), "an error without the file's name");
  require(result.error().message.find('\n') == std::string::npos, "an error of several lines");
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = textOf(data + 1, size - 1);
  std::vector<std::string> warnings;
  switch (data[0] % 5) {
    case 0:
      if (const auto plan = planFromJson(text, "file"); sound(plan))
        require(planFromJson(planToJson(*plan), "file").has_value(), "our own plan is refused");
      break;
    case 1:
      sound(parseIntervalCsv(text, "file", warnings));
      break;
    case 2:
      if (const auto samples = parseServerCsv(text, "file", warnings); sound(samples)) {
        std::string again = serverCsvHeader();
        for (const auto& sample : *samples) again += serverCsvLine(sample, 0);
        require(parseServerCsv(again, "file", warnings).has_value(), "our own samples are refused");
      }
      break;
    case 3:
      if (const auto events = parseEvents(text, "file", warnings); sound(events)) {
        std::string again;
        for (const auto& event : *events) again += eventToJsonLine(event, 0);
        const auto second = parseEvents(again, "file", warnings);
        require(second.has_value(), "our own events are refused");
        require(second->size() == events->size(), "events were lost");
      }
      break;
    default:
      if (const auto summary = summaryFromJson(text, "file"); sound(summary))
        require(summaryFromJson(summaryToJson(*summary), "file").has_value(),
                "our own summary is refused");
  }
  return 0;
}
