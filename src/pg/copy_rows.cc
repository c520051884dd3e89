#include "pg/copy_rows.h"

#include <string_view>

#include "pg/big_endian.h"

namespace redline {

void appendCopyHeader(std::string& out) {
  using namespace std::string_view_literals;
  out.append("PGCOPY\n\377\r\n\0"sv);
  appendBigEndian<std::uint32_t>(out, 0);
  appendBigEndian<std::uint32_t>(out, 0);
}

void appendCopyRow(std::string& out, const Values& values, std::uint64_t id,
                   std::uint64_t version) {
  constexpr std::uint32_t kBigint = sizeof(std::int64_t);
  appendBigEndian<std::uint16_t>(out, 3);
  appendBigEndian(out, kBigint);
  appendBigEndian(out, id);
  appendBigEndian(out, static_cast<std::uint32_t>(values.size()));
  const std::size_t at = out.size();
  out.resize(at + values.size());
  values.write(out.data() + at, id, version);
  appendBigEndian(out, kBigint);
  appendBigEndian(out, version);
}

void appendCopyTrailer(std::string& out) {
  appendBigEndian<std::uint16_t>(out, 0xffff);
}

}  // namespace redline
