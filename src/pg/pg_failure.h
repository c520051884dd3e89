#pragma once

#include <string_view>

#include "backing/store.h"
#include "base/result.h"
#include "pg/pg_handles.h"

namespace redline {

/// Which failure an SQLSTATE is (appendix A of PostgreSQL's manual). Empty: libpq made the error
/// itself, as the connection was lost.
StoreFailure storeFailureOf(std::string_view sqlState);
/// Why a connection could not be made, by what the server or libpq said.
StoreFailure connectFailure(std::string_view said);
ErrorCode errorCodeOf(StoreFailure failure);

/// A message's first line, without the severity and, of a failed connection, the socket.
std::string_view plainMessage(std::string_view message);
std::string_view lastError(const pg_conn* connection);  ///< plainMessage() of it; may be empty
std::string_view errorOf(const pg_result* result);
std::string_view sqlStateOf(const pg_result* result);

}  // namespace redline
