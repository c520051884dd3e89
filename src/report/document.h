#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "report/panel.h"

namespace redline {

// A report before it is a page, Markdown or terminal text: a list of blocks. Texts are plain; the
// writers (html.h, markdown.h, terminal.h) escape them. Builders (run_document.h, lab_document.h,
// comparison_document.h, lab_compare.h) make them.

struct Hyperlink {
  std::string label{};
  std::string target{};  ///< id of a heading or paragraph of the same document; empty: no link
};

/// Colour and mark of a callout, a finding, a verdict.
enum class Tone {
  neutral,  ///< a figure
  good,     ///< as it should be
  notable,
  unsure,  ///< not decided, not measured
  bad,
};

struct Heading {
  int level = 2;
  std::string text{};
  std::string id{};      ///< for links; may be empty
  bool newPage = false;  ///< begins a page where the document is printed
};

struct Paragraph {
  std::string text{};
  bool quiet = false;
  bool strong = false;  ///< an answer, a main sentence
  std::string lead{};   ///< before the text, emphasized; may be empty
  std::string id{};
};

struct BulletList {
  struct Item {
    std::string text{};
    Hyperlink link{};     ///< before the text
    std::string quiet{};  ///< after it
  };
  std::vector<Item> items{};
};

/// What must not be missed: a verdict, with its reasons.
struct Callout {
  struct Group {
    std::string title{};  ///< may be empty
    std::vector<std::string> lines{};
  };
  Tone tone = Tone::neutral;
  std::string headline{};
  std::vector<Group> groups{};
};

/// The few figures that a reader looks for first.
struct KeyFigures {
  std::vector<std::pair<std::string, std::string>> figures{};  ///< label, value
};

struct FindingLine {
  Tone tone = Tone::neutral;
  std::string mark{};             ///< "Caution": before the sentence; may be empty
  std::string text{};             ///< a sentence without its full stop
  std::string from{};             ///< the figures that it is computed from
  std::vector<Hyperlink> runs{};  ///< with those figures
  Hyperlink section{};            ///< where more is said
};
struct FindingList {
  std::vector<FindingLine> lines{};
};

struct Cell {
  std::string text{};
  std::string range{};        ///< its interval, quieter
  std::string detail{};       ///< under it, quieter
  Tone tone = Tone::neutral;  ///< other than neutral: in that colour
  Hyperlink link{};           ///< instead of the text

  Cell(std::string_view t) : text(t) {}  // NOLINT(google-explicit-constructor): cells are texts
  Cell(std::string t) : text(std::move(t)) {}  // NOLINT(google-explicit-constructor)
  Cell(const char* t) : text(t) {}             // NOLINT(google-explicit-constructor)
};

enum class ColumnKind {
  number,  ///< right-aligned, on one line
  text,    ///< left-aligned, wrapped
  prose,   ///< left-aligned, wide, wrapped
};
struct TableColumn {
  std::string title{};
  ColumnKind kind = ColumnKind::number;
};

/// The first column names its row.
struct Table {
  struct Row {
    std::vector<Cell> cells{};
    std::vector<Hyperlink> runs{};  ///< whose figures these are
  };
  std::string title{};
  std::vector<TableColumn> columns{};
  std::vector<Row> rows{};
  std::string note{};  ///< under the table; may be empty

  void add(std::vector<Cell> cells, std::vector<Hyperlink> runs = {}) {
    rows.push_back({std::move(cells), std::move(runs)});
  }
  bool hasRuns() const;
};

/// Panels below each other.
struct Picture {
  std::string id{};  ///< also the file's name in plots/
  std::string title{};
  std::string description{};  ///< what is drawn and how to read it
  int height = 300;           ///< of the panels' frames together, in pixels of the wide drawing
  std::vector<Panel> panels{};
};

/// Figures side by side, each with its verdict.
struct Tiles {
  struct Tile {
    Tone tone = Tone::neutral;
    std::string mark{};  ///< "✓", "✗", "?", "·"
    std::string label{}, value{}, note{};
    Hyperlink section{};
  };
  std::vector<Tile> tiles{};
};

/// Small pictures side by side.
struct Gallery {
  struct Item {
    Picture picture{};
    std::string caption{};
    Hyperlink section{};
  };
  std::vector<Item> items{};
};

/// Shell lines.
struct Code {
  std::vector<std::string> lines{};
};

/// "-rate=10k", "batches = 1,16": many on a line.
struct FlagList {
  std::vector<std::string> flags{};
};

struct Block;
/// Blocks that a reader opens.
struct Details {
  std::string summary{};
  std::vector<Block> blocks{};
};

struct Block {
  std::variant<Heading, Paragraph, BulletList, Callout, KeyFigures, FindingList, Table, Picture,
               Tiles, Gallery, Code, FlagList, Details>
      content;

  template <typename T>
  Block(T block) : content(std::move(block)) {}  // NOLINT(google-explicit-constructor): it is one
};
using Blocks = std::vector<Block>;

struct Document {
  std::string title{};
  std::string origin{};  ///< what it was computed from, a sentence
  Blocks blocks{};
};

/// Calls `visit(T&)` for each block of that type, those in details included, in order.
template <typename T, typename AnyBlocks, typename Visit>
void forEachBlock(AnyBlocks& blocks, Visit&& visit) {
  for (auto& block : blocks) {
    if (auto* const found = std::get_if<T>(&block.content)) visit(*found);
    if (auto* const details = std::get_if<Details>(&block.content))
      forEachBlock<T>(details->blocks, visit);
  }
}

/// Columns of texts, the last one wide.
std::vector<TableColumn> proseColumns(const std::vector<std::string>& titles);
/// Columns of one kind; the first names its row.
std::vector<TableColumn> columnsOf(const std::vector<std::string>& titles,
                                   ColumnKind kind = ColumnKind::number);

// What is not there is not added.
void addText(Blocks& blocks, std::string text, bool quiet = false);
void addBullets(Blocks& blocks, std::string heading, std::vector<std::string> lines);
void addTable(Blocks& blocks, Table table);
void addPicture(Blocks& blocks, Picture picture);
void addCode(Blocks& blocks, std::string line);
void addFlags(Blocks& blocks, std::vector<std::string> flags);
void append(Blocks& blocks, Blocks more);

}  // namespace redline
