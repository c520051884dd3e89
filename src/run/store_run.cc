#include "run/store_run.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "pg/cache_table.h"
#include "pg/pg_admin.h"
#include "workload/values.h"

namespace redline {
namespace {

Result<PgAddress> addressOfStore(const EnginePlan& plan, std::span<const OwnServer> own,
                                 const Endpoint& server) {
  if (!plan.backing.address.empty()) return parsePgAddress(plan.backing.address);
  const OwnServer* const known = findOwn(own, server);
  if (known != nullptr && known->backing) return *known->backing;
  return fail(ErrorCode::usage,
              "-on-miss=postgres: no PostgreSQL is known behind {}; start its stack with "
              "'redline stack up -backing=postgres', or name one with -backing-addr",
              server.text());
}

Status checkTable(const EnginePlan& plan, PgAdmin& admin) {
  const PgAddress& address = admin.address();
  const auto table = readCacheTable(admin);
  if (!table) return fail(table.error());
  constexpr std::string_view kRemedy = "fill it with 'redline loader', which does both";
  if (!*table)
    return fail(ErrorCode::refused, "the PostgreSQL at {} holds no data set: {}", address.text(),
                kRemedy);
  const CacheTable& is = **table;
  if (is.seed != plan.seed || is.keys < plan.keys || is.valueSize != plan.valueSize)
    return fail(ErrorCode::refused,
                "the PostgreSQL at {} holds -seed={} -keys={} -value-size={}, and not what these "
                "flags describe: {}",
                address.text(), is.seed, is.keys, is.valueSize, kRemedy);
  return {};
}

/// The rows of the ledger's keys, as the run's preparation has the keys themselves.
Status resetLedgerRows(const EnginePlan& plan, PgAdmin& admin) {
  const KeyChooser keys = plan.keyChooser();
  std::vector<std::uint64_t> ids;
  ids.reserve(plan.mitigation.ledgerKeys);
  for (std::uint32_t rank = 0; rank < plan.mitigation.ledgerKeys; ++rank)
    ids.push_back(keys.hottest(rank));
  return resetCacheRows(admin, Values(plan.seed, plan.valueSize), ids);
}

Status prepareTable(const EnginePlan& plan, const PgAddress& address, bool force) {
  auto admin = PgAdmin::connect(address);
  if (!admin) return force ? Status() : fail(std::move(admin.error()));
  if (auto sound = checkTable(plan, *admin); !sound && !force) return sound;
  if (plan.mitigation.ledgerKeys == 0) return {};
  auto reset = resetLedgerRows(plan, *admin);
  if (!reset)
    return fail(reset.error().code, "cannot give the ledger's rows version 0: {}",
                reset.error().message);
  return {};
}

}  // namespace

Result<std::unique_ptr<PgStore>> openStore(const EnginePlan& plan, std::span<const OwnServer> own,
                                           const Endpoint& server, bool force) {
  if (!plan.backing.used) return nullptr;
  auto address = addressOfStore(plan, own, server);
  if (!address) return fail(std::move(address.error()));
  address->password = plan.credentials.password;
  if (auto ready = prepareTable(plan, *address, force); !ready) return fail(ready.error());
  PgStoreOptions options;
  options.address = std::move(*address);
  options.limits = plan.backing.limits;
  options.timeout = plan.backing.timeout;
  options.cpus = plan.cpus;  // beside the generator, as all threads of the run
  return PgStore::start(std::move(options), Values(plan.seed, plan.valueSize));
}

}  // namespace redline
