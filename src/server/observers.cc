#include "server/observers.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "base/text.h"
#include "json/json.h"
#include "os/fd.h"
#include "os/files.h"
#include "os/gated_child.h"
#include "server/free_port.h"
#include "server/observer_files.h"
#include "transport/certificates.h"
#include "transport/fetch_page.h"

namespace redline {
namespace fs = std::filesystem;

/// What observers.json holds.
struct ObserverList {
  std::vector<ObserverState> observers;
  std::string driver;
};
/// The part of it that earlier versions did not write.
struct ScrapedDriver {
  std::string driver;
};

void visit(auto& json, MappedAs<ObserverState> auto& observer) {
  json.field("name", observer.name);
  json.field("port", observer.port);
  json.field("pid", observer.process.pid);
  json.field("start_ticks", observer.process.startTicks);
  json.field("boot_id", observer.process.bootId);
}

void visit(auto& json, MappedAs<ObserverList> auto& list) {
  json.schema(1);
  json.field("observers", list.observers);
  if (!json.kReads) json.field("driver", list.driver);
}

void visit(auto& json, MappedAs<ScrapedDriver> auto& scraped) {
  json.field("driver", scraped.driver);
}

namespace {

constexpr const char* kPrometheus = "prometheus";
constexpr const char* kExporter = "prometheus-redis-exporter";
constexpr auto kReadyPoll = std::chrono::milliseconds(20);
constexpr Nanos kAskTimeout = kSecond;
constexpr Nanos kStopTimeout = 10 * kSecond;

std::string loopback(std::uint16_t port) {
  return Endpoint{"127.0.0.1", port, {}}.text();
}

/// The body of what an HTTP server on loopback answers with 200.
std::optional<std::string> get(std::uint16_t port, std::string_view path) {
  constexpr std::size_t kMost = 1 << 20;
  auto page = fetchPage({"127.0.0.1", port, {}}, path, SteadyClock::read() + kAskTimeout, kMost);
  if (!page || page->status != 200) return std::nullopt;
  return std::move(page->body);
}

/// Prometheus says that it is ready before it has written anything: on a full disk it ends then. So
/// it must have stored a scrape, which is due within the second, and answer a query from it.
bool works(const ObserverState& observer) {
  if (observer.name != kPrometheus) return get(observer.port, "/").has_value();
  const auto answer = get(observer.port, "/api/v1/query?query=count(up)");
  return answer && answer->find("\"value\"") != std::string::npos;
}

Status checkPrograms() {
  for (const char* const program : {kPrometheus, kExporter})
    if (const auto found = findProgram(program); !found)
      return fail(found.error().code, "-observe: {}", found.error().message);
  return {};
}

Status checkFree(const ObserverState& observer) {
  const auto user = portUser(observer.port);
  if (!user) return {};
  return fail(ErrorCode::unreachable,
              "port {} for {} is in use by {}: choose another with -observe-port", observer.port,
              observer.name, *user);
}

}  // namespace

std::string ObserverState::url() const {
  return "http://" + loopback(port);
}

Result<Observers> Observers::load(fs::path directory) {
  Observers observers(std::move(directory));
  std::error_code problem;
  if (!fs::exists(observers.statePath(), problem)) return observers;
  const auto text = readWholeFile(observers.statePath());
  if (!text) return fail(text.error());
  auto list = readJson<ObserverList>(*text, {.name = observers.statePath().native()},
                                     MissingField::isRefused);
  if (!list) return fail(std::move(list.error()));
  observers.observers_ = std::move(list->observers);
  auto scraped = readJson<ScrapedDriver>(*text, {.name = observers.statePath().native()});
  if (!scraped) return fail(std::move(scraped.error()));
  observers.driver_ = std::move(scraped->driver);
  return observers;
}

Status Observers::save() const {
  return writeWholeFile(statePath(), writeJson(ObserverList{observers_, driver_}, 2) + "\n");
}

fs::path Observers::logPath(const ObserverState& observer) const {
  return directory_ / (observer.name + ".log");
}

Status Observers::plan(const ObserveOptions& options) {
  if (auto there = checkPrograms(); !there) return there;
  if (observers_.empty()) {
    constexpr std::uint16_t kHighestPort = 65534;
    std::vector<std::uint16_t> ports{options.port, static_cast<std::uint16_t>(options.port + 1)};
    if (options.port > kHighestPort)
      return fail(ErrorCode::usage, "-observe-port={}: the exporter needs the next port",
                  options.port);
    if (options.port == 0) {
      auto free = freePorts(2);
      if (!free) return fail(std::move(free.error()));
      ports = std::move(*free);
    }
    observers_ = {{kPrometheus, ports[0], {}}, {kExporter, ports[1], {}}};
  }
  for (const ObserverState& observer : observers_)
    if (!isAlive(observer.process))
      if (auto free = checkFree(observer); !free) return free;
  return {};
}

Status Observers::start(const StackState& stack, const ObserveOptions& options,
                        const std::string& password) {
  if (auto good = plan(options); !good) return good;
  if (auto written = writeObserverFiles(directory_, stack, observers_.back().port, options.driver);
      !written)
    return written;
  driver_ = options.driver.text();
  if (auto started = startDead(stack, options, password); !started) return fail(started.error());
  return {};
}

Result<std::vector<std::string>> Observers::restartDead(const StackState& stack,
                                                        const std::string& password) {
  if (observers_.empty()) return std::vector<std::string>{};
  const ObserveOptions options;
  if (!std::ranges::all_of(observers_, isAlive, &ObserverState::process))
    if (auto good = plan(options); !good) return fail(std::move(good.error()));
  return startDead(stack, options, password);
}

Result<std::vector<std::string>> Observers::startDead(const StackState& stack,
                                                      const ObserveOptions& options,
                                                      const std::string& password) {
  std::vector<const ObserverState*> started;
  for (ObserverState& observer : observers_) {
    if (isAlive(observer.process)) continue;
    if (auto launched = launch(observer, stack, password, options.dieWithParent); !launched)
      return fail(std::move(launched.error()));
    started.push_back(&observer);
  }
  if (started.empty())
    if (auto saved = save(); !saved) return fail(std::move(saved.error()));
  const Nanos deadline = SteadyClock::read() + options.timeout;
  for (const ObserverState* const observer : started)
    if (auto answers = await(*observer, deadline, options.interrupted); !answers)
      return fail(std::move(answers.error()));
  std::vector<std::string> names;
  for (const ObserverState* const observer : started) {
    if (auto alive = checkAlive(*observer); !alive) return fail(std::move(alive.error()));
    names.push_back(observer->name);
  }
  return names;
}

std::vector<std::string> Observers::command(const ObserverState& observer, const StackState& stack,
                                            bool secret) const {
  const std::string listen = loopback(observer.port);
  if (observer.name == kPrometheus)
    return {observer.name,
            "--config.file=" + (directory_ / "prometheus.yml").string(),
            "--storage.tsdb.path=" + (directory_ / "tsdb").string(),
            "--storage.tsdb.retention.time=1d",
            "--web.listen-address=" + listen,
            "--log.level=warn"};
  // A server that hangs is to be reported as down within the scrape, which may take a second.
  // It knows passwords by address, from its standard input, and none from our environment: with
  // REDIS_PASSWORD it would log in to any server that somebody asks it to scrape.
  std::vector<std::string> words{observer.name,
                                 "-redis.addr=",
                                 "-redis.user=",
                                 "-redis.password=",
                                 "-redis.password-file=" + std::string(secret ? "/dev/stdin" : ""),
                                 "-web.listen-address=" + listen,
                                 "-connection-timeout=900ms",
                                 "-redis-only-metrics"};
  if (stack.tls)
    words.push_back("-tls-ca-cert-file=" + Certificates::in(stack.certificatesDir()).ca.string());
  return words;
}

Status Observers::launch(ObserverState& observer, const StackState& stack,
                         const std::string& password, bool dieWithParent) const {
  std::error_code problem;
  fs::remove(logPath(observer), problem);
  const auto log = openToAppend(logPath(observer));
  if (!log) return fail(log.error());
  ProgramStart start;
  const bool secret = !password.empty() && observer.name == kExporter;
  start.args = command(observer, stack, secret);
  start.directory = directory_;
  start.output = start.errors = log->get();
  start.dieWithParent = dieWithParent;
  Fd passwords;
  if (secret) {
    auto file = memoryFile(exporterPasswords(stack, password));
    if (!file) return fail(std::move(file.error()));
    passwords = std::move(*file);
    start.input = passwords.get();
  }
  auto child = GatedChild::spawn(start);
  if (!child) return fail(std::move(child.error()));
  observer.process = identify(child->pid()).value_or(ProcessId{child->pid(), 0, {}});
  if (auto saved = save(); !saved) return saved;
  return child->release();
}

Status Observers::await(const ObserverState& observer, Nanos deadline,
                        const std::function<bool()>& interrupted) const {
  for (;;) {
    if (auto alive = checkAlive(observer); !alive) return alive;
    if (works(observer)) return {};
    if (interrupted && interrupted())
      return fail(ErrorCode::interrupted, "interrupted while starting {}", observer.name);
    if (SteadyClock::read() >= deadline)
      return fail(ErrorCode::timeout, "{} on port {} did not answer with figures in time: {}",
                  observer.name, observer.port, lastWords(observer));
    std::this_thread::sleep_for(kReadyPoll);
  }
}

Status Observers::checkAlive(const ObserverState& observer) const {
  if (isAlive(observer.process)) return {};
  awaitExit(observer.process, kSecond);  // reaps it
  return fail(ErrorCode::io, "{} ended while starting: {}", observer.name, lastWords(observer));
}

std::string Observers::lastWords(const ObserverState& observer) const {
  constexpr std::uintmax_t kBlock = 4096;
  const std::string log = readWholeFile(logPath(observer)).value_or("");
  std::string words(log.empty() ? "it printed nothing" : lastLine(log));
  std::error_code problem;
  const fs::space_info space = fs::space(directory_, problem);
  if (!problem && space.available < kBlock)
    words += fmt::format(" (no space is left for {})", directory_.string());
  return words;
}

Status Observers::follow(const StackState& stack) const {
  return writeRedisTargets(directory_, stack, observers_.back().port);
}

Result<std::vector<std::string>> Observers::stop() {
  std::vector<std::string> lines;
  for (ObserverState& observer : observers_) {
    if (!isAlive(observer.process)) {
      awaitExit(observer.process, kSecond);
      lines.push_back(fmt::format("{} was not running", observer.name));
      continue;
    }
    if (isStopped(observer.process)) (void)sendSignal(observer.process, SIGCONT);
    bool gone = false;
    for (const int number : {SIGTERM, SIGKILL}) {
      (void)sendSignal(observer.process, number);
      if ((gone = awaitExit(observer.process, kStopTimeout))) break;
    }
    if (!gone)
      return fail(ErrorCode::timeout, "{} (pid {}) has survived SIGKILL", observer.name,
                  observer.process.pid);
    lines.push_back(fmt::format("stopped {} (pid {})", observer.name, observer.process.pid));
  }
  return lines;
}

}  // namespace redline
