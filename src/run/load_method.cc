#include "run/load_method.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/units.h"
#include "server/cluster_admin.h"
#include "server/rdb_pipe.h"
#include "server/server_process.h"
#include "server/slot_map_reading.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

/// Its words where it does not let us have DEBUG RELOAD, as enable-debug-command or an ACL may say.
/// Asked with an option that there is not, which it refuses before it does anything.
std::string debugRefusal(Admin& admin) {
  const auto reply =
      admin.commandRaw({"DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE", "redline-asks"});
  if (!reply) return reply.error().message;
  return reply->isError() && reply->text.find("only supports") != std::string::npos ? std::string()
                                                                                    : reply->text;
}

/// Keys of the data set whose time may have passed when a stream begins. A server does not load
/// these, and would keep what it has under their names.
bool mayHaveExpired(const LoadPlan& load) {
  constexpr std::int64_t kBeginsWithin = 10'000;  // ms
  if (load.ttlFraction <= 0) return false;
  const std::int64_t soonest =
      load.ttlEpochMillis + (load.ttlAtMillis != 0 ? load.ttlAtMillis : load.ttlMin / kMillisecond);
  return soonest < wallNow() / kMillisecond + kBeginsWithin;
}

/// A server's dump file; an error: why no stream can be loaded there.
Result<fs::path> dumpOf(Target& target, std::span<const OwnServer> own) {
  const std::string name = target.admin.endpoint().text();
  const auto no = [](std::string why) { return fail(Error{ErrorCode::refused, std::move(why)}); };
  const OwnServer* const server = findOwn(own, target.admin.endpoint());
  if (server == nullptr)
    return no(fmt::format("{} is not a server of a stack of ours on this machine", name));
  const auto process = server->current();
  if (!process || serverProcess(target.info.fields) != *process)
    return no(fmt::format("{} is not the process of our stack", name));
  // Its /proc is not ours: it could not open the link to our pipe.
  if (static_cast<std::uint64_t>(process->pid) != target.info.count("process_id"))
    return no(fmt::format("{} runs in a container", name));
  const auto info = target.admin.info({"persistence"});
  if (!info) return fail(info.error());
  if (info->count("aof_enabled") != 0)
    return no(fmt::format("{} has an append-only file, which would lack the keys", name));
  if (info->count("rdb_bgsave_in_progress") != 0)
    return no(fmt::format("{} is writing a dump file", name));
  const auto directory = target.admin.configGet("dir");
  if (!directory) return no(directory.error().message);
  const auto file = target.admin.configGet("dbfilename");
  if (!file) return no(file.error().message);
  if (::access(directory->c_str(), W_OK | X_OK) != 0)
    return no(fmt::format("we may not write to {}", *directory));
  fs::path dump = fs::path(*directory) / *file;
  std::error_code problem;
  if (fs::symlink_status(dump, problem).type() != fs::file_type::not_found && !isRdbPipe(dump))
    return no(fmt::format("{} has a dump file", name));
  if (const std::string refusal = debugRefusal(target.admin); !refusal.empty())
    return no(fmt::format("{} refuses DEBUG ({})", name, refusal));
  return dump;
}

/// The slots of a master as it sees them itself; none while slots are being moved.
Result<std::optional<SlotSet>> settledSlots(ClusterAdmin& cluster, const Endpoint& master) {
  const auto view = cluster.viewOf(master);
  if (!view) return fail(view.error());
  const ClusterMember* const self = view->myself();
  if (self == nullptr || !self->migrating.empty() || !self->importing.empty()) return std::nullopt;
  return slotSetOf(self->slots);
}

/// A stream for that server; an error says why there can be none.
Result<RdbTarget> streamFor(Target& target, const LoadRunPlan& plan, ClusterAdmin* cluster) {
  const std::string name = target.admin.endpoint().text();
  RdbTarget stream;
  stream.endpoint = target.admin.endpoint();
  const auto version = rdbVersionOf(target.info.version());
  if (!version)
    return fail(ErrorCode::refused, "{} runs Redis {}, whose dump files are not known", name,
                target.info.version());
  stream.version = *version;
  if (plan.method == LoadMethod::automatic && target.info.keys() != 0)
    return fail(ErrorCode::refused, "{} holds {} keys already", name, target.info.keys());
  if (target.info.keys() != 0 && mayHaveExpired(plan.load))
    return fail(ErrorCode::refused,
                "{} holds {} keys, and a stream would leave old values under those names whose "
                "new time to live is over",
                name, target.info.keys());
  if (cluster == nullptr && target.info.count("connected_slaves") != 0)
    return fail(ErrorCode::refused, "{} has replicas", name);
  auto dump = dumpOf(target, plan.own);
  if (!dump) return fail(dump.error());
  stream.dump = std::move(*dump);
  if (cluster == nullptr) return stream;
  auto slots = settledSlots(*cluster, stream.endpoint);
  if (!slots) return fail(slots.error());
  if (!*slots) return fail(ErrorCode::refused, "slots of {} are being moved", name);
  stream.slots = **slots;
  return stream;
}

/// A stream for each server that stores keys; an error says why not.
Result<std::vector<RdbTarget>> streamsFor(const LoadRunPlan& plan, Preflight& servers, bool fits) {
  if (!fits)
    return fail(ErrorCode::refused,
                "the data set does not fit, and a server evicts nothing while it loads a stream");
  std::optional<ClusterAdmin> cluster;
  if (servers.map) cluster.emplace(plan.load.credentials);
  std::vector<RdbTarget> streams;
  SlotSet covered;
  for (Target& target : servers.targets) {
    if (servers.map && target.info.role() != "master") continue;
    auto stream = streamFor(target, plan, cluster ? &*cluster : nullptr);
    if (!stream) return fail(std::move(stream.error()));
    if (stream->slots && stream->slots->none()) continue;
    if (stream->slots) covered |= *stream->slots;
    streams.push_back(std::move(*stream));
  }
  if (servers.map && !covered.all())
    return fail(ErrorCode::refused, "the masters do not agree on who owns {} slots",
                kSlots - covered.count());
  return streams;
}

}  // namespace

std::size_t streamBreakEven(double ttlFraction) {
  // More of them make it larger, by how much is not known.
  constexpr double kMeasuredFraction = 0.3;
  constexpr double kNoneExpire = 1'024, kMeasuredExpire = 2'458;
  const double along = std::clamp(ttlFraction / kMeasuredFraction, 0.0, 1.0);
  return static_cast<std::size_t>(std::lerp(kNoneExpire, kMeasuredExpire, along));
}

Result<MethodChoice> chooseMethod(const LoadRunPlan& plan, Preflight& servers, bool fits) {
  if (plan.method == LoadMethod::commands) return MethodChoice{plan.method, "-method=commands", {}};
  if (plan.load.from != 0)
    return MethodChoice{LoadMethod::commands,
                        plan.method == LoadMethod::rdb
                            ? "-from continues a load, and -method=rdb begins one"
                            : "-from continues a load",
                        {}};
  const LoadPlan& load = plan.load;
  const std::size_t most = streamBreakEven(load.ttlFraction);
  if (plan.method == LoadMethod::automatic && !servers.map && load.valueSize > most)
    return MethodChoice{
        LoadMethod::commands,
        fmt::format("values of {} load as fast by commands (by a stream faster up to {})",
                    formatSize(load.valueSize), formatSize(most)),
        {}};
  auto streams = streamsFor(plan, servers, fits);
  if (streams)
    return MethodChoice{
        LoadMethod::rdb,
        plan.method == LoadMethod::rdb ? "-method=rdb"
        : servers.map
            ? "every master is empty and of a stack of ours"
            : fmt::format("the server is empty and of a stack of ours, and values of {} load "
                          "faster by a stream",
                          formatSize(load.valueSize)),
        std::move(*streams)};
  if (plan.method == LoadMethod::automatic)
    return MethodChoice{LoadMethod::commands, streams.error().message, {}};
  return fail(streams.error().code, "-method=rdb cannot be: {}; use -method=commands",
              streams.error().message);
}

Status checkSlotsStayed(const std::vector<RdbTarget>& streams, const Credentials& credentials) {
  ClusterAdmin cluster(credentials);
  for (const RdbTarget& stream : streams) {
    if (!stream.slots) continue;
    const auto slots = settledSlots(cluster, stream.endpoint);
    if (!slots) return fail(slots.error());
    if (*slots && **slots == *stream.slots) continue;
    return fail(
        ErrorCode::unsafe,
        "slots of {} were moved during the load, and keys of theirs are on a node that does "
        "not own them: empty the cluster and load again",
        stream.endpoint.text());
  }
  return {};
}

}  // namespace redline
