#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "report/document.h"

namespace redline {

/// The table of that title; null where there is none.
inline const Table* tableTitled(const Blocks& blocks, std::string_view title) {
  const Table* found = nullptr;
  forEachBlock<Table>(blocks, [&](const Table& table) {
    if (found == nullptr && table.title == title) found = &table;
  });
  return found;
}

inline std::vector<FindingLine> findingsIn(const Blocks& blocks) {
  std::vector<FindingLine> lines;
  forEachBlock<FindingList>(blocks, [&](const FindingList& list) {
    lines.insert(lines.end(), list.lines.begin(), list.lines.end());
  });
  return lines;
}

inline std::vector<std::string> cellTexts(const std::vector<Cell>& cells) {
  std::vector<std::string> texts;
  std::ranges::transform(cells, std::back_inserter(texts), &Cell::text);
  return texts;
}

/// The first callout: the verdict.
inline Callout calloutOf(const Blocks& blocks) {
  std::vector<Callout> all;
  forEachBlock<Callout>(blocks, [&](const Callout& callout) { all.push_back(callout); });
  return all.empty() ? Callout{} : all.front();
}

}  // namespace redline
