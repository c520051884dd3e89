#include "pg/cache_table.h"

#include <fmt/format.h>

#include <string>

#include "base/text.h"
#include "pg/copy_rows.h"

namespace redline {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;

Result<bool> tableExists(PgAdmin& admin, std::string_view name) {
  auto found = admin.value(fmt::format("SELECT to_regclass('{}')", name));
  if (!found) return fail(std::move(found.error()));
  return !found->empty();
}

Result<std::uint64_t> numberOf(PgAdmin& admin, const std::string& sql) {
  const auto there = tableExists(admin, kCacheTable);
  if (!there) return fail(there.error());
  if (!*there) return std::uint64_t{0};
  const auto value = admin.value(sql);
  if (!value) return fail(value.error());
  return toNumber<std::uint64_t>(*value).value_or(0);
}

/// A table that is made in the transaction that fills it needs no WAL and no second visit by
/// VACUUM: it is forced to the disk at its commit.
constexpr std::string_view kMakeTables =
    "DROP TABLE IF EXISTS cache_entries, data_set;"
    "CREATE TABLE data_set (seed numeric NOT NULL, keys bigint NOT NULL,"
    " value_size bigint NOT NULL, filled timestamptz NOT NULL DEFAULT now());"
    "CREATE TABLE cache_entries (id bigint NOT NULL, value bytea NOT NULL,"
    " version bigint NOT NULL);"
    // Values are random bytes: no compression is tried on them, and those above 2 KB go out of
    // line.
    "ALTER TABLE cache_entries ALTER value SET STORAGE EXTERNAL";

class Filling {
 public:
  Filling(PgAdmin& admin, const CacheTable& table, const FillWatcher& watcher)
      : admin_(admin), table_(table), watcher_(watcher) {}

  Result<FillFigures> run() {
    FillFigures figures;
    const Nanos begin = SteadyClock::read();
    for (const std::string_view sql : {std::string_view("BEGIN"), kMakeTables})
      if (auto done = admin_.run(std::string(sql)); !done) return fail(std::move(done.error()));
    if (auto copied = copyRows(); !copied) return fail(std::move(copied.error()));
    const Nanos copied = SteadyClock::read();
    figures.copy = copied - begin;
    if (watcher_.onRows) watcher_.onRows(copied, table_.keys, true);
    // Room to sort 10 million ids in memory.
    if (auto built = phase("building the primary key",
                           "SET LOCAL maintenance_work_mem = '256MB';"
                           "ALTER TABLE cache_entries ADD PRIMARY KEY (id)");
        !built)
      return fail(std::move(built.error()));
    const Nanos indexed = SteadyClock::read();
    figures.index = indexed - copied;
    if (auto committed =
            phase("writing the table to the disk",
                  fmt::format("INSERT INTO data_set (seed, keys, value_size) VALUES ({}, {}, {});"
                              "ANALYZE cache_entries; COMMIT",
                              table_.seed, table_.keys, table_.valueSize));
        !committed)
      return fail(std::move(committed.error()));
    figures.commit = SteadyClock::read() - indexed;
    return figures;
  }

 private:
  Status phase(std::string_view name, const std::string& sql) {
    if (auto stop = checkInterrupted(); !stop) return stop;
    if (watcher_.onPhase) watcher_.onPhase(name);
    return admin_.run(sql);
  }

  Status checkInterrupted() const {
    if (!watcher_.interrupted || !watcher_.interrupted()) return {};
    return fail(ErrorCode::interrupted, "interrupted while filling the store's table");
  }

  Status copyRows() {
    if (auto begun = admin_.beginCopy(
            "COPY cache_entries (id, value, version) FROM STDIN (FORMAT binary, FREEZE)");
        !begun)
      return begun;
    const Values values(table_.seed, table_.valueSize);
    std::string piece;
    appendCopyHeader(piece);
    for (std::uint64_t id = 0; id < table_.keys; ++id) {
      appendCopyRow(piece, values, id, 0);
      if (piece.size() < kPiece) continue;
      if (auto stop = checkInterrupted(); !stop) {
        admin_.abandonCopy();
        return stop;
      }
      if (auto sent = admin_.copy(piece); !sent) return sent;
      piece.clear();
      if (watcher_.onRows) watcher_.onRows(SteadyClock::read(), id + 1, false);
    }
    appendCopyTrailer(piece);
    if (auto sent = admin_.copy(piece); !sent) return sent;
    return admin_.finishCopy();
  }

  PgAdmin& admin_;
  const CacheTable& table_;
  const FillWatcher& watcher_;
};

/// One statement for each piece of rows: a table of fresh ones, and an update by it.
class Resetting {
 public:
  Resetting(PgAdmin& admin, const Values& values) : admin_(admin), values_(values) {}

  Status run(std::span<const std::uint64_t> ids) {
    if (auto begun = admin_.run("BEGIN;"
                                "CREATE TEMP TABLE fresh_entries (LIKE cache_entries) "
                                "ON COMMIT DROP");
        !begun)
      return begun;
    while (!ids.empty())
      if (auto done = resetPiece(ids); !done) return done;
    return admin_.run("COMMIT");
  }

 private:
  Status resetPiece(std::span<const std::uint64_t>& ids) {
    if (auto begun =
            admin_.beginCopy("COPY fresh_entries (id, value, version) FROM STDIN (FORMAT binary)");
        !begun)
      return begun;
    std::string piece;
    appendCopyHeader(piece);
    std::size_t rows = 0;
    for (; rows < ids.size() && piece.size() < kPiece; ++rows)
      appendCopyRow(piece, values_, ids[rows], 0);
    ids = ids.subspan(rows);
    appendCopyTrailer(piece);
    if (auto sent = admin_.copy(piece); !sent) return sent;
    if (auto finished = admin_.finishCopy(); !finished) return finished;
    return admin_.run(
        "ANALYZE fresh_entries;"
        "UPDATE cache_entries SET value = fresh.value, version = fresh.version"
        " FROM fresh_entries fresh"
        " WHERE cache_entries.id = fresh.id AND cache_entries.version <> fresh.version;"
        "TRUNCATE fresh_entries");
  }

  PgAdmin& admin_;
  const Values& values_;
};

}  // namespace

Result<std::optional<CacheTable>> readCacheTable(PgAdmin& admin) {
  const auto there = tableExists(admin, "data_set");
  if (!there) return fail(there.error());
  if (!*there) return std::optional<CacheTable>();
  const auto fields = admin.row("SELECT seed, keys, value_size FROM data_set");
  if (!fields) return fail(fields.error());
  if (fields->size() != 3) return std::optional<CacheTable>();
  const auto number = [&](std::size_t i) {
    return toNumber<std::uint64_t>((*fields)[i]).value_or(0);
  };
  return std::optional(CacheTable{number(0), number(1), number(2)});
}

Result<std::uint64_t> countCacheRows(PgAdmin& admin) {
  return numberOf(admin, "SELECT count(*) FROM cache_entries");
}

Result<std::uint64_t> estimateCacheRows(PgAdmin& admin) {
  return numberOf(admin,
                  "SELECT greatest(reltuples, 0)::bigint FROM pg_class"
                  " WHERE oid = 'cache_entries'::regclass");
}

Status resetCacheRows(PgAdmin& admin, const Values& values, std::span<const std::uint64_t> ids) {
  auto reset = Resetting(admin, values).run(ids);
  if (!reset) (void)admin.run("ROLLBACK");
  return reset;
}

Result<FillFigures> fillCacheTable(PgAdmin& admin, const CacheTable& table,
                                   const FillWatcher& watcher) {
  auto filled = Filling(admin, table, watcher).run();
  if (!filled) (void)admin.run("ROLLBACK");
  return filled;
}

}  // namespace redline
