#include "pg/pg_failure.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace redline {
namespace {

struct StateRow {
  std::string_view begins;  ///< a whole SQLSTATE, or its class
  StoreFailure failure;
};

constexpr std::array<StateRow, 18> kStates{{
    {"57P01", StoreFailure::unreachable},  // admin_shutdown
    {"57P02", StoreFailure::unreachable},  // crash_shutdown
    {"57P03", StoreFailure::unreachable},  // cannot_connect_now
    {"08", StoreFailure::unreachable},
    {"28", StoreFailure::refused},     // password, role
    {"3D", StoreFailure::refused},     // no such database
    {"42501", StoreFailure::refused},  // insufficient_privilege
    {"42P01", StoreFailure::refused},  // no such table
    {"53300", StoreFailure::tooMany},
    {"53400", StoreFailure::tooMany},
    {"53100", StoreFailure::diskFull},
    {"58030", StoreFailure::error},     // io_error
    {"55P03", StoreFailure::locked},    // lock_not_available: lock_timeout
    {"40P01", StoreFailure::locked},    // deadlock_detected
    {"40001", StoreFailure::locked},    // serialization_failure
    {"57014", StoreFailure::locked},    // query_canceled: statement_timeout
    {"25006", StoreFailure::readOnly},  // read_only_sql_transaction
    {"25P02", StoreFailure::error},
}};

std::string_view textOf(const char* text) {
  return text == nullptr ? "" : text;
}

}  // namespace

void CloseConnection::operator()(pg_conn* connection) const noexcept {
  ::PQfinish(connection);
}

void ClearResult::operator()(pg_result* result) const noexcept {
  ::PQclear(result);
}

StoreFailure storeFailureOf(std::string_view sqlState) {
  if (sqlState.empty()) return StoreFailure::unreachable;
  const auto row = std::ranges::find_if(
      kStates, [&](const StateRow& each) { return sqlState.starts_with(each.begins); });
  return row == kStates.end() ? StoreFailure::error : row->failure;
}

// libpq keeps no SQLSTATE of a connection that the server refused: its words are all there is. They
// are English, as lc_messages is C.
StoreFailure connectFailure(std::string_view said) {
  const auto has = [said](std::string_view words) {
    return said.find(words) != std::string_view::npos;
  };
  if (has("authentication failed") || has("no password supplied") || has("no pg_hba.conf entry") ||
      (has("does not exist") && (has("role \"") || has("database \""))))
    return StoreFailure::refused;
  if (has("too many clients") || has("remaining connection slots") || has("too many connections"))
    return StoreFailure::tooMany;
  return StoreFailure::unreachable;
}

ErrorCode errorCodeOf(StoreFailure failure) {
  switch (failure) {
    case StoreFailure::unreachable:
      return ErrorCode::unreachable;
    case StoreFailure::diskFull:
      return ErrorCode::noSpace;
    case StoreFailure::locked:
      return ErrorCode::timeout;
    default:
      return ErrorCode::refused;
  }
}

std::string_view plainMessage(std::string_view message) {
  std::string_view text = trim(message);
  text = trim(text.substr(0, text.find('\n')));
  for (const std::string_view mark : {"FATAL:  ", "ERROR:  ", "PANIC:  "})
    if (const auto at = text.find(mark); at != std::string_view::npos)
      return text.substr(at + mark.size());
  constexpr std::string_view kFailed = "\" failed: ";
  if (const auto at = text.find(kFailed); at != std::string_view::npos)
    text.remove_prefix(at + kFailed.size());
  return text;
}

std::string_view lastError(const pg_conn* connection) {
  return plainMessage(textOf(::PQerrorMessage(connection)));
}

std::string_view errorOf(const pg_result* result) {
  return plainMessage(textOf(::PQresultErrorMessage(result)));
}

std::string_view sqlStateOf(const pg_result* result) {
  return textOf(::PQresultErrorField(result, PG_DIAG_SQLSTATE));
}

}  // namespace redline
