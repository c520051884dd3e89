#pragma once

#include <memory>

// libpq's PGconn and PGresult; only the sources of this folder include libpq-fe.h.
struct pg_conn;
struct pg_result;

namespace redline {

struct CloseConnection {
  void operator()(pg_conn* connection) const noexcept;
};
struct ClearResult {
  void operator()(pg_result* result) const noexcept;
};
using PgConnection = std::unique_ptr<pg_conn, CloseConnection>;
using PgResult = std::unique_ptr<pg_result, ClearResult>;

}  // namespace redline
