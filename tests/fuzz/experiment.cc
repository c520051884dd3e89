// experiment.json and runs.jsonl of a lab, which may be anybody's: read, or refused with the name;
// what is read is written to the same text again.
#include "rundir/experiment.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redline;
  const auto text = textOf(data, size);
  if (const auto document = experimentFromJson(text, "experiment.json")) {
    const std::string written = experimentToJson(*document);
    const auto again = experimentFromJson(written, "again");
    require(again && experimentToJson(*again) == written, "a document that changes");
  } else {
    require(document.error().message.starts_with("experiment.json"), "an error without its file");
  }
  if (const auto record = runRecordFromJson(text, "runs.jsonl:1")) {
    const std::string written = runRecordToJson(*record);
    const auto again = runRecordFromJson(written, "again");
    require(again && runRecordToJson(*again) == written, "a record that changes");
  } else {
    require(record.error().message.starts_with("runs.jsonl:1"), "an error without its line");
  }
  return 0;
}
