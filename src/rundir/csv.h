#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace redline {

/// One line of CSV, built cell by cell.
class CsvLine {
 public:
  CsvLine& add(std::string_view text);  ///< quoted where it must be; line breaks become blanks
  CsvLine& add(std::uint64_t number);
  CsvLine& add(double number, int decimals);
  CsvLine& addSeconds(Nanos span);  ///< to the nanosecond
  CsvLine& addEmpty();
  /// The line with its newline.
  std::string take() &&;

 private:
  void separate();
  std::string line_;
  bool first_ = true;
};

/// The fields of one line; "" inside quotes is a quote.
std::vector<std::string> splitCsv(std::string_view line);

/// A table read by its column names, so that columns may be added, or come in another order.
class CsvTable {
 public:
  /// `name` is the file's name in errors. A file without even a header has no rows.
  static Result<CsvTable> parse(std::string_view text, std::string_view name,
                                std::vector<std::string>& warnings);

  std::size_t rows() const noexcept { return rows_.size(); }
  const std::vector<std::string>& columns() const noexcept { return columns_; }
  /// The cell, or an empty text when there is no such column.
  const std::string& cell(std::size_t row, std::string_view column) const;
  /// An error at the row's line of the file.
  Error errorAt(std::size_t row, std::string_view what) const;
  /// A named error when a column is not there.
  Status require(std::string_view column) const;

 private:
  std::string name_;
  std::vector<std::string> columns_;
  std::map<std::string, std::size_t, std::less<>> places_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> lines_;
};

/// Reads the cells of one row, remembering the first one that is not a number. Empty cells read as
/// 0.
class CsvRow {
 public:
  CsvRow(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}

  const std::string& text(std::string_view column) const { return table_.cell(row_, column); }
  template <typename Number>
  void read(std::string_view column, Number& to) {
    const std::string& cell = text(column);
    if (cell.empty()) return;
    const char* const last = cell.data() + cell.size();
    const auto [end, error] = std::from_chars(cell.data(), last, to);
    if (error != std::errc{} || end != last) refuse(column, cell);
  }
  /// Seconds in the file, nanoseconds here.
  void readSeconds(std::string_view column, std::int64_t& to);
  Status status() const;

 private:
  void refuse(std::string_view column, std::string_view cell);
  const CsvTable& table_;
  std::size_t row_;
  std::string problem_;
};

}  // namespace redline
