#include "doctor/gather.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "doctor/key_survey.h"
#include "os/files.h"
#include "os/sync_timing.h"
#include "server/cluster_admin.h"
#include "server/kernel_figures.h"
#include "server/observer_names.h"
#include "server/process.h"
#include "server/server_log.h"
#include "server/slot_map_reading.h"
#include "transport/blocking.h"
#include "transport/gate.h"

namespace redline {
namespace {

namespace fs = std::filesystem;

/// The list costs the server a few microseconds a client, in one go.
constexpr std::uint64_t kMostClients = 1000;
constexpr std::size_t kSlotsAtOnce = 256;

constexpr std::array<std::string_view, 14> kSettings{"save",
                                                     "appendonly",
                                                     "appendfsync",
                                                     "no-appendfsync-on-rewrite",
                                                     "auto-aof-rewrite-percentage",
                                                     "maxmemory-clients",
                                                     "client-output-buffer-limit",
                                                     "dir",
                                                     "disable-thp",
                                                     "stop-writes-on-bgsave-error",
                                                     "repl-backlog-size",
                                                     "cluster-require-full-coverage",
                                                     "cluster-node-timeout",
                                                     "lfu-log-factor"};

tl::unexpected<Error> withheld(const Value& reply) {
  return fail(ErrorCode::refused, "{}", reply.text);
}

Result<ServerFacts::Settings> readSettings(Admin& admin) {
  std::vector<std::vector<std::string>> commands;
  for (const std::string_view name : kSettings)
    commands.push_back({"CONFIG", "GET", std::string(name)});
  const auto replies = admin.pipeline(commands);
  if (!replies) return fail(replies.error());
  ServerFacts::Settings settings;
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    const Value& reply = (*replies)[i];
    if (isWithheld(reply)) return withheld(reply);
    if (const Value* const value = reply.find(kSettings[i]))
      settings.emplace(kSettings[i], value->text);
  }
  return settings;
}

/// The slow log as far as it goes back, but for the doctor's own commands.
Result<std::vector<Event>> readSlowLog(Admin& admin) {
  const auto reply = admin.commandRaw({"SLOWLOG", "GET", "128"});
  if (!reply) return fail(reply.error());
  if (reply->isError()) return withheld(*reply);
  SlowlogReader reader;
  reader.restart();
  auto entries = reader.read(*reply, SteadyClock::read());
  std::erase_if(entries, [](const Event& entry) { return clientNameOf(entry) == kDoctorClient; });
  return entries;
}

Result<ClientFacts> readClients(Admin& admin, const ServerInfo& info) {
  if (info.count("connected_clients") > kMostClients)
    return fail(ErrorCode::refused, "{} has {} clients, and a list of them would block it",
                admin.endpoint().text(), info.text("connected_clients"));
  const auto reply = admin.commandRaw({"CLIENT", "LIST", "TYPE", "normal"});
  if (!reply) return fail(reply.error());
  if (reply->isError()) return withheld(*reply);
  return parseClients(reply->text);
}

std::optional<ProcessFacts> readProcess(const ServerInfo& info) {
  const auto process = serverProcess(info.fields);
  if (!process) return std::nullopt;
  const auto status = readWholeFile(fmt::format("/proc/{}/status", process->pid));
  return status ? std::optional(parseProcessFacts(*status)) : std::nullopt;
}

/// Its file system and room; times its syncs where that is allowed.
DiskFacts readDisk(const fs::path& directory, bool mayTime, std::string_view notTimed) {
  DiskFacts disk;
  disk.directory = directory;
  disk.filesystem = filesystemOf(directory);
  std::error_code problem;
  if (const auto space = fs::space(directory, problem); !problem) disk.free = space.available;
  disk.notTimed = notTimed;
  if (!mayTime) return disk;
  if (auto syncs = timeSyncs(directory))
    disk.syncs = std::move(*syncs);
  else
    disk.notTimed = syncs.error().message;
  return disk;
}

Result<SlotFacts> countSlots(Admin& admin, std::span<const SlotRange> ranges) {
  SlotFacts facts;
  std::vector<std::uint16_t> slots;
  for (const SlotRange& range : ranges)
    for (unsigned slot = range.first; slot <= range.last; ++slot)
      slots.push_back(static_cast<std::uint16_t>(slot));
  facts.slots = slots.size();
  for (std::size_t at = 0; at < slots.size(); at += kSlotsAtOnce) {
    const auto some = std::span(slots).subspan(at, std::min(kSlotsAtOnce, slots.size() - at));
    const auto counts = countKeysInSlots(admin, some);
    if (!counts) return fail(counts.error());
    for (std::size_t i = 0; i < some.size(); ++i) {
      facts.keys += (*counts)[i];
      if ((*counts)[i] > facts.keysInFullest)
        facts.fullest = some[i], facts.keysInFullest = (*counts)[i];
    }
  }
  return facts;
}

MachineFacts readMachine(Nanos watch) {
  MachineFacts machine;
  machine.host = readHost(watch);
  constexpr const char* kSource =
      "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  machine.clockSource = trim(readWholeFile(kSource).value_or(""));
  constexpr int kReadings = 10'000;
  const Nanos begin = SteadyClock::read();
  for (int i = 1; i < kReadings; ++i) (void)SteadyClock::read();
  machine.clockRead = (SteadyClock::read() - begin) / kReadings;
  return machine;
}

/// IPv4 addresses by their numbers, before names; then by port.
auto addressOrder(const ServerFacts& server) {
  std::vector<unsigned> numbers;
  for (const std::string_view part : split(server.endpoint.host, '.'))
    numbers.push_back(toNumber<unsigned>(part).value_or(256));
  return std::tuple(std::move(numbers), server.endpoint.host, server.endpoint.port);
}

/// All connections of one examination.
class Gathering {
 public:
  explicit Gathering(const DoctorPlan& plan) : plan_(plan), nodes_(plan.credentials) {}

  Result<DoctorFacts> gather() {
    if (!plan_.servers.empty())
      if (auto found = findServers(); !found) return fail(std::move(found.error()));
    for (ServerFacts& server : facts_.servers) {
      server.before = readInfo(server);
      if (!plan_.cluster && !server.problem.empty())
        return fail(ErrorCode::unreachable, "{}", server.problem);
    }
    const Nanos begin = SteadyClock::read();
    facts_.machine = readMachine(plan_.watch);
    for (ServerFacts& server : facts_.servers)
      if (server.problem.empty()) {
        server.info = readInfo(server);
        server.watched = SteadyClock::read() - begin;
      }
    if (!plan_.disk.empty()) {
      facts_.disk = readDisk(plan_.disk, true, "");
      facts_.disk->asked = true;
    }
    for (ServerFacts& server : facts_.servers) {
      if (plan_.interrupted && plan_.interrupted())
        return fail(ErrorCode::interrupted, "interrupted");
      if (server.problem.empty() && server.info.withheld.empty()) readRest(server);
    }
    return std::move(facts_);
  }

 private:
  Status findServers() {
    if (!plan_.cluster) {
      addServer(plan_.servers.front());
      return {};
    }
    Error last;
    for (const Endpoint& seed : plan_.servers) {
      auto admin = nodes_.at(seed);
      auto reading = admin ? readSlotMap(**admin) : Result<SlotMapReading>(fail(admin.error()));
      if (!reading) {
        last = std::move(reading.error());
        continue;
      }
      facts_.cluster = {reading->state, reading->map, nodes_.viewOf(seed)};
      for (const ClusterNode& node : reading->map.nodes()) addServer(endpointOf(node.address));
      std::ranges::sort(facts_.servers, {}, addressOrder);
      return {};
    }
    return fail(std::move(last));
  }

  void addServer(const Endpoint& endpoint) {
    ServerFacts& server = facts_.servers.emplace_back();
    server.endpoint = endpoint;
    server.here = isLocal(endpoint).value_or(false);
    server.tls = plan_.credentials.tls != nullptr;
    if (const OwnServer* const own = findOwn(plan_.own, endpoint)) server.stack = own->stack;
  }

  /// The connection, or null with server.problem.
  Admin* connect(ServerFacts& server) {
    auto admin = nodes_.at(server.endpoint);
    if (admin) return *admin;
    server.problem = std::move(admin.error().message);
    // Of a cluster's node the report says itself what to do.
    if (const std::size_t advice = server.problem.find(kStartAdvice);
        plan_.cluster && advice != std::string::npos)
      server.problem.resize(server.problem.rfind(':', advice));
    return nullptr;
  }

  ServerInfo readInfo(ServerFacts& server) {
    Admin* const admin = connect(server);
    if (admin == nullptr) return {};
    (void)admin->commandRaw({"CLIENT", "SETNAME", kDoctorClient});
    auto info = admin->about({"server", "clients", "memory", "persistence", "stats", "replication",
                              "cpu", "commandstats", "cluster", "keyspace"});
    if (!info) {
      server.problem = std::move(info.error().message);
      return {};
    }
    if (!server.here) return std::move(*info);
    ServerSample sample;
    sample.info = std::move(info->fields);
    ServerProcess process;
    addKernelFigures(sample, process);
    info->fields = std::move(sample.info);
    return std::move(*info);
  }

  void readRest(ServerFacts& server) {
    Admin* const admin = connect(server);
    if (admin == nullptr) return;
    server.settings = readSettings(*admin);
    server.slowLog = readSlowLog(*admin);
    server.clients = readClients(*admin, server.info);
    if (server.here) server.process = readProcess(server.info);
    readServersDisk(server);
    if (server.isMaster()) readKeys(server, *admin);
    // What has lost its connection meanwhile says nothing that is worth a line for each check.
    if (!admin->connected())
      server.problem = server.endpoint.text() + " stopped answering while it was examined";
  }

  void readServersDisk(ServerFacts& server) {
    const fs::path directory(server.setting("dir"));
    if (!server.here || directory.empty()) {
      server.disk = {directory, {}, {}, {}, "the server is on another machine"};
      return;
    }
    std::error_code problem;
    if (facts_.disk && fs::equivalent(directory, facts_.disk->directory, problem)) {
      server.disk = *facts_.disk;
      return;
    }
    const OwnServer* const own = findOwn(plan_.own, server.endpoint);
    const bool ours = own != nullptr && fs::equivalent(directory, own->dir, problem);
    const bool writes = !server.setting("save").empty() || server.setting("appendonly") == "yes";
    server.disk = readDisk(directory, ours && writes, "the directory is not one of redline's");
  }

  void readKeys(ServerFacts& server, Admin& admin) {
    if (facts_.cluster) {
      const std::uint16_t node =
          facts_.cluster->map.find(server.endpoint.host, server.endpoint.port);
      if (node != SlotMap::kNoNode)
        server.slots = countSlots(admin, facts_.cluster->map.rangesOf(node));
    }
    KeySurveyPlan survey;
    survey.keys = server.info.keyspace.contains(0) ? server.info.keyspace.at(0).keys : 0;
    survey.most = plan_.keys;
    survey.scan = plan_.scan;
    survey.counters = countsUses(server.info.text("maxmemory_policy"));
    survey.logFactor = toNumber<double>(server.setting("lfu-log-factor")).value_or(10);
    survey.interrupted = plan_.interrupted;
    if (plan_.progress)
      survey.progress = [&](std::uint64_t looked) {
        plan_.progress(fmt::format("{}: looked at {} of {} keys", server.endpoint.text(), looked,
                                   survey.keys));
      };
    server.keys = surveyKeys(admin, survey);
  }

  const DoctorPlan& plan_;
  ClusterAdmin nodes_;  ///< of a single server, just that one
  DoctorFacts facts_;
};

}  // namespace

Result<DoctorFacts> gatherFacts(const DoctorPlan& plan) {
  return Gathering(plan).gather();
}

}  // namespace redline
