// schedule_times: the intended send times of a run, from the schedule itself. bench/timing holds
// the times at which operations left against them. int64 ns since the schedule's start,
// little-endian as `redline driver -sends` writes them, on standard output.

#include <cstdio>
#include <vector>

#include "bench/tool.h"
#include "schedule/schedule.h"

namespace redline::bench {
namespace {

constexpr std::string_view kUsage =
    "usage: schedule_times -arrivals constant|poisson -rate R -seconds S [-run-seed N]\n"
    "  one worker's schedule: for a driver with -threads=1";

int run(int argc, char** argv) {
  Arguments arguments(argc, argv, std::string(kUsage));
  const std::string arrivals = arguments.text("arrivals", "constant");
  const double rate = arguments.number("rate", 0.0);
  const double length = arguments.number("seconds", 0.0);
  const auto seed = arguments.number<std::uint64_t>("run-seed", 1);
  arguments.done();
  if (arrivals != "constant" && arrivals != "poisson")
    arguments.wrong("-arrivals is constant or poisson");
  if (rate <= 0 || length <= 0) arguments.wrong("-rate and -seconds must be positive");

  Schedule schedule = arrivals == "poisson" ? Schedule::poisson(0, rate, 0, 1, seed)
                                            : Schedule::constant(0, rate, 0, 1);
  std::vector<Nanos> times;
  times.reserve(static_cast<std::size_t>(rate * length * 1.01) + 16);
  for (; schedule.due() < static_cast<Nanos>(length * 1e9); schedule.advance())
    times.push_back(schedule.due());
  if (std::fwrite(times.data(), sizeof(Nanos), times.size(), stdout) != times.size())
    dieOfErrno("cannot write");
  return 0;
}

}  // namespace
}  // namespace redline::bench

int main(int argc, char** argv) {
  return redline::bench::run(argc, argv);
}
