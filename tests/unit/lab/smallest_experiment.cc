#include <fmt/format.h>

#include "lab/catalog.h"
#include "lab/format.h"
#include "lab/study.h"

namespace redline::lab::batch_gain {
namespace {

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const std::string keys = "-keys=" + p.text("keys");
  const std::string server =
      s.stack({.name = "node", .up = {"node"}, .load = {keys, "-ttl-frac=0"}});
  const auto batch = Study::factor("batch", {"1", "16"});
  const Grid rates = s.grid("", {batch}, [&](const Cell& cell, unsigned) {
    return LabRun{
        .stack = server,
        .drives = {{.flags = {"-rate=max", keys, "-ttl-frac=0", "-pipeline=" + cell[batch],
                              "-duration=" + p.text("duration")}}}};
  });

  const Quantity rate = s.quantity("ops/s", rateOf, rates.cells);
  const Cell apart = rates.at(batch, "1"), together = rates.at(batch, "16");
  const Measured gain = rate.ratio(apart, together);
  const auto called = [batch](const Cell& cell) { return cell[batch]; };
  s.table("Throughput").column("batch", called).column("rate", rate).validRuns().rows(rates.cells);
  s.plot("rate", "Throughput by batch")
      .x("operations in a batch", AxisKind::names)
      .y("operations/s", AxisKind::count)
      .points("closed loop", rate, rates.cells, called)
      .add();
  s.claim("batch-gain", expectAbove(gain))
      .from("rates of a closed loop")
      .headline()
      .text("Batches of 16 multiply throughput by {}", gain);
  s.answer({gain}, fmt::format("Batches of 16 multiply throughput by {}", rounded(gain)));
  if (expectAbove(gain) == Standing::expected)
    s.recommend("Send 16 operations in a batch where throughput counts ({})", gain);
  s.method(intervalNote(rate[apart].estimate));
}

}  // namespace
}  // namespace redline::lab::batch_gain

namespace redline {

Experiment batchGainExperiment() {
  using enum ParameterKind;
  return {.name = "batch-gain",
          .title = "What batches of 16 bring",
          .question = "By how much do batches of 16 operations multiply one shard's throughput?",
          .parameters = {{.name = "keys", .kind = count, .help = "keys of the data set"},
                         {.name = "duration", .kind = duration, .help = "measured time of a run"}},
          .declare = lab::batch_gain::declare};
}

}  // namespace redline
