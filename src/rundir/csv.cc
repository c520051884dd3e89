#include "rundir/csv.h"

#include <fmt/format.h>

#include "rundir/lines.h"

namespace redline {

void CsvLine::separate() {
  if (!first_) line_.push_back(',');
  first_ = false;
}

CsvLine& CsvLine::add(std::string_view text) {
  separate();
  const bool quoted = text.find_first_of(",\"\r\n") != std::string_view::npos;
  if (quoted) line_.push_back('"');
  for (const char letter : text) {
    if (letter == '"') line_.push_back('"');
    line_.push_back(letter == '\n' || letter == '\r' ? ' ' : letter);
  }
  if (quoted) line_.push_back('"');
  return *this;
}

CsvLine& CsvLine::add(std::uint64_t number) {
  separate();
  fmt::format_to(std::back_inserter(line_), "{}", number);
  return *this;
}

CsvLine& CsvLine::add(double number, int decimals) {
  separate();
  fmt::format_to(std::back_inserter(line_), "{:.{}f}", number, decimals);
  return *this;
}

CsvLine& CsvLine::addSeconds(Nanos span) {
  return add(toSeconds(span), 9);
}

CsvLine& CsvLine::addEmpty() {
  separate();
  return *this;
}

std::string CsvLine::take() && {
  line_.push_back('\n');
  return std::move(line_);
}

std::vector<std::string> splitCsv(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char letter = line[i];
    if (quoted && letter == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back().push_back('"');
      ++i;
    } else if (letter == '"') {
      quoted = !quoted;
    } else if (letter == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back().push_back(letter);
    }
  }
  return fields;
}

Result<CsvTable> CsvTable::parse(std::string_view text, std::string_view name,
                                 std::vector<std::string>& warnings) {
  CsvTable table;
  table.name_ = name;
  const auto lines = wholeLines(text, name, warnings);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    auto fields = splitCsv(lines[i]);
    if (table.columns_.empty()) {
      for (std::size_t place = 0; place < fields.size(); ++place)
        table.places_.emplace(fields[place], place);
      table.columns_ = std::move(fields);
    } else if (fields.size() != table.columns_.size()) {
      return fail(ErrorCode::invalidInput, "{}:{}: {} fields where the header names {}", name,
                  i + 1, fields.size(), table.columns_.size());
    } else {
      table.rows_.push_back(std::move(fields));
      table.lines_.push_back(i + 1);
    }
  }
  return table;
}

const std::string& CsvTable::cell(std::size_t row, std::string_view column) const {
  static const std::string kEmpty;
  const auto found = places_.find(column);
  return found == places_.end() ? kEmpty : rows_[row][found->second];
}

Error CsvTable::errorAt(std::size_t row, std::string_view what) const {
  return Error{ErrorCode::invalidInput, fmt::format("{}:{}: {}", name_, lines_[row], what)};
}

Status CsvTable::require(std::string_view column) const {
  if (columns_.empty() || places_.contains(column)) return {};
  return fail(ErrorCode::invalidInput, "{}:1: there is no column {}", name_, column);
}

void CsvRow::readSeconds(std::string_view column, std::int64_t& to) {
  double seconds = 0;
  read(column, seconds);
  if (std::abs(seconds) < 9e9)  // also false for a NaN
    to = fromSeconds(seconds);
  else
    refuse(column, text(column));
}

void CsvRow::refuse(std::string_view column, std::string_view cell) {
  if (problem_.empty()) problem_ = fmt::format("{} is not a number in range: \"{}\"", column, cell);
}

Status CsvRow::status() const {
  if (problem_.empty()) return {};
  return fail(table_.errorAt(row_, problem_));
}

}  // namespace redline
