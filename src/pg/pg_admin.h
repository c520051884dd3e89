#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pg/pg_address.h"
#include "pg/pg_handles.h"

namespace redline {

/// A blocking connection for everything that is not measured: setting up, filling, status. An error
/// of the server is `refused`, with its words; noSpace: its disk is full; unreachable: the
/// connection could not be made or is lost.
class PgAdmin {
 public:
  static constexpr Nanos kDefaultTimeout = 10 * kSecond;

  /// `statementTimeout`: longest time for one statement; 0: none.
  static Result<PgAdmin> connect(const PgAddress& address, Nanos timeout = kDefaultTimeout,
                                 Nanos statementTimeout = kDefaultTimeout);

  /// Runs statements that return nothing.
  Status run(const std::string& sql);
  /// The first field of the first row; empty: null, or no row.
  Result<std::string> value(const std::string& sql);
  /// All fields of the first row; none: no row.
  Result<std::vector<std::string>> row(const std::string& sql);

  /// COPY … FROM STDIN: begin, any number of pieces, and finish or abandon. Other threads' work
  /// waits meanwhile: a piece returns when libpq has it.
  Status beginCopy(const std::string& sql);
  Status copy(std::string_view bytes);
  Status finishCopy();
  /// Ends it so that nothing of it stays.
  void abandonCopy();

  /// Whether a server accepts connections there: for waiting until it does.
  static bool answers(const PgAddress& address);

  const PgAddress& address() const { return address_; }

 private:
  PgAdmin(PgAddress address, PgConnection connection)
      : address_(std::move(address)), connection_(std::move(connection)) {}
  Result<PgResult> query(const std::string& sql);
  Error lost() const;

  PgAddress address_;
  PgConnection connection_;
};

}  // namespace redline
