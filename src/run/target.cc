#include "run/target.h"

#include <utility>

#include "server/kernel_figures.h"
#include "transport/gate.h"

namespace redline {

Result<Target> connectTarget(const Endpoint& endpoint, const Credentials& credentials,
                             bool anyVersion) {
  auto admin = Admin::connect(endpoint, credentials);
  if (!admin) return fail(std::move(admin.error()));
  auto info = admin->about({"server", "memory", "replication", "cluster", "keyspace"});
  if (!info) return fail(std::move(info.error()));
  if (auto good = admin->requireVersion(*info, anyVersion); !good)
    return fail(std::move(good.error()));
  return Target{std::move(*admin), std::move(*info)};
}

std::string whyNotServing(const Endpoint& endpoint, const Credentials& credentials) {
  const auto admin = Admin::connect(endpoint, credentials, kSecond);
  if (admin || admin.error().code == ErrorCode::refused) return {};
  const bool gone = admin.error().code == ErrorCode::unreachable;
  return fmt::format(
      "{} {}", endpoint.text(),
      gone ? "accepts no connection" : "does not answer or is still loading its data");
}

Result<ServerSample> readSample(Admin& admin, Nanos timeout) {
  auto reply = admin.command({"INFO", "server", "clients", "memory", "persistence", "stats",
                              "replication", "cpu", "commandstats", "keyspace"},
                             timeout);
  if (!reply) return fail(std::move(reply.error()));
  ServerInfo info = parseServerInfo(reply->text);
  ServerSample sample;
  sample.at = SteadyClock::read();
  sample.addr = admin.endpoint().text();
  sample.role = info.role();
  sample.info = std::move(info.fields);
  ServerProcess process;
  if (isLocal(admin.endpoint()).value_or(false)) addKernelFigures(sample, process);
  return sample;
}

}  // namespace redline
