#include "pg/pg_admin.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <utility>

#include "pg/pg_failure.h"

namespace redline {
namespace {

std::string fieldAt(const pg_result* result, int column) {
  return {::PQgetvalue(result, 0, column),
          static_cast<std::size_t>(::PQgetlength(result, 0, column))};
}

}  // namespace

Result<PgAdmin> PgAdmin::connect(const PgAddress& address, Nanos timeout, Nanos statementTimeout) {
  const std::string settings =
      fmt::format("-c statement_timeout={}", statementTimeout / kMillisecond);
  PgConnection connection(::PQconnectdb(connectionText(address, timeout, settings).c_str()));
  if (connection == nullptr) return fail(ErrorCode::noSpace, "no memory for a connection");
  if (::PQstatus(connection.get()) != CONNECTION_OK)
    return fail(errorCodeOf(connectFailure(lastError(connection.get()))),
                "cannot connect to PostgreSQL at {}: {}", address.text(),
                lastError(connection.get()));
  ::PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  return PgAdmin(address, std::move(connection));
}

bool PgAdmin::answers(const PgAddress& address) {
  return ::PQping(connectionText(address, kSecond).c_str()) == PQPING_OK;
}

Error PgAdmin::lost() const {
  return fail(ErrorCode::unreachable, "PostgreSQL at {}: {}", address_.text(),
              lastError(connection_.get()))
      .value();
}

Result<PgResult> PgAdmin::query(const std::string& sql) {
  PgResult result(::PQexec(connection_.get(), sql.c_str()));
  switch (::PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
      return result;
    default:
      break;
  }
  if (::PQstatus(connection_.get()) != CONNECTION_OK) return fail(lost());
  return fail(errorCodeOf(storeFailureOf(sqlStateOf(result.get()))), "PostgreSQL at {}: {}",
              address_.text(), errorOf(result.get()));
}

Status PgAdmin::run(const std::string& sql) {
  auto done = query(sql);
  return done ? Status{} : fail(std::move(done.error()));
}

Result<std::string> PgAdmin::value(const std::string& sql) {
  auto fields = row(sql);
  if (!fields) return fail(std::move(fields.error()));
  return fields->empty() ? std::string{} : std::move(fields->front());
}

Result<std::vector<std::string>> PgAdmin::row(const std::string& sql) {
  auto result = query(sql);
  if (!result) return fail(std::move(result.error()));
  std::vector<std::string> fields;
  if (::PQntuples(result->get()) == 0) return fields;
  for (int column = 0; column < ::PQnfields(result->get()); ++column)
    fields.push_back(fieldAt(result->get(), column));
  return fields;
}

Status PgAdmin::beginCopy(const std::string& sql) {
  return run(sql);
}

// A server that has refused a piece says so at the end: the pieces until then are thrown away.
Status PgAdmin::copy(std::string_view bytes) {
  if (::PQputCopyData(connection_.get(), bytes.data(), static_cast<int>(bytes.size())) == 1)
    return {};
  if (::PQstatus(connection_.get()) != CONNECTION_OK) return fail(lost());
  auto why = finishCopy();
  return why ? fail(ErrorCode::refused, "PostgreSQL at {} ended a COPY", address_.text()) : why;
}

Status PgAdmin::finishCopy() {
  if (::PQputCopyEnd(connection_.get(), nullptr) != 1 &&
      ::PQstatus(connection_.get()) != CONNECTION_OK)
    return fail(lost());
  Status status;
  while (const PgResult result{::PQgetResult(connection_.get())})
    if (::PQresultStatus(result.get()) != PGRES_COMMAND_OK && status)
      status = fail(errorCodeOf(storeFailureOf(sqlStateOf(result.get()))), "PostgreSQL at {}: {}",
                    address_.text(), errorOf(result.get()));
  return status;
}

void PgAdmin::abandonCopy() {
  (void)::PQputCopyEnd(connection_.get(), "abandoned");
  while (const PgResult result{::PQgetResult(connection_.get())}) continue;
}

}  // namespace redline
