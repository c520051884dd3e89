#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/experiment.h"

namespace redline::lab {

/// One value that a factor takes.
struct Level {
  std::string label;      ///< in labels and run names, unique in its factor
  std::string title;      ///< for people: "batch 16"
  double number = kNaN;   ///< its place on a numeric axis, where it has one
  std::string name = {};  ///< in run names, where that is not the label: "1.5x" for "1.5"

  /// In a run's name or a finding's id, [a-z0-9-]: "1-5x" for "1.5x", "4kb" for "4KB".
  std::string slug() const;
};

/// What an experiment varies, with a payload of type T for each level: `cell[factor]` is the
/// payload.
template <typename T>
class Factor {
 public:
  /// `name` is the key of the label that runs carry. One payload for each level, in the same order.
  Factor(std::string name, std::vector<Level> levels, std::vector<T> payloads)
      : name_(std::move(name)),
        levels_(std::move(levels)),
        payloads_(std::make_shared<const std::vector<T>>(std::move(payloads))) {
    for (std::size_t i = 0; i < levels_.size(); ++i) indices_.push_back(i);
  }

  const std::string& name() const { return name_; }
  std::size_t size() const { return levels_.size(); }
  const std::vector<Level>& levels() const { return levels_; }
  /// Of level i of this factor, as far as only() has left it in.
  const T& payload(std::size_t i) const { return (*payloads_)[indices_[i]]; }
  /// By a cell's place in the whole factor.
  const T& payloadAt(std::size_t index) const { return (*payloads_)[index]; }
  std::size_t index(std::size_t i) const { return indices_[i]; }

  /// The same factor with the levels that `keep(payload)` holds for.
  template <typename Predicate>
  Factor only(Predicate keep) const {
    Factor left = *this;
    left.levels_.clear();
    left.indices_.clear();
    for (std::size_t i = 0; i < size(); ++i) {
      if (!keep(payload(i))) continue;
      left.levels_.push_back(levels_[i]);
      left.indices_.push_back(indices_[i]);
    }
    return left;
  }
  /// The same factor with the levels of these labels, in their order.
  Factor pick(const std::vector<std::string>& labels) const {
    Factor picked = *this;
    picked.levels_.clear();
    picked.indices_.clear();
    for (const std::string& label : labels)
      for (std::size_t i = 0; i < size(); ++i) {
        if (levels_[i].label != label) continue;
        picked.levels_.push_back(levels_[i]);
        picked.indices_.push_back(indices_[i]);
      }
    return picked;
  }
  /// Whether one of its levels has this label.
  bool has(std::string_view label) const {
    for (const Level& level : levels_)
      if (level.label == label) return true;
    return false;
  }

 private:
  std::string name_;
  std::vector<Level> levels_;
  std::vector<std::size_t> indices_;  ///< of each level in the whole factor
  std::shared_ptr<const std::vector<T>> payloads_;
};

/// What a grid needs to know of a factor.
struct FactorView {
  std::string name;
  std::vector<Level> levels;
  std::vector<std::size_t> indices;

  template <typename T>
  FactorView(
      const Factor<T>& factor)  // NOLINT(google-explicit-constructor): {policy, conns} in s.grid()
      : name(factor.name()), levels(factor.levels()) {
    for (std::size_t i = 0; i < factor.size(); ++i) indices.push_back(factor.index(i));
  }
};

/// One condition: a level of each factor of its grid. Its runs are those that carry its labels.
class Cell {
 public:
  struct Coordinate {
    std::string factor;
    std::size_t index = 0;  ///< in the whole factor
    Level level;
  };

  Cell(std::string part, std::vector<Coordinate> coordinates)
      : part_(std::move(part)), coordinates_(std::move(coordinates)) {}

  /// The payload of this cell's level. Stops the program where the grid does not vary the factor.
  template <typename T>
  const T& operator[](const Factor<T>& factor) const {
    return factor.payloadAt(coordinate(factor.name()).index);
  }
  template <typename T>
  const Level& level(const Factor<T>& factor) const {
    return coordinate(factor.name()).level;
  }
  /// The level's place in the whole factor.
  template <typename T>
  std::size_t index(const Factor<T>& factor) const {
    return coordinate(factor.name()).index;
  }
  template <typename T>
  bool is(const Factor<T>& factor, std::string_view label) const {
    return level(factor).label == label;
  }
  /// The same condition with another level of `factor`; one without runs where the factor has none
  /// of this label.
  template <typename T>
  Cell with(const Factor<T>& factor, const std::string& label) const {
    for (std::size_t i = 0; i < factor.size(); ++i)
      if (factor.levels()[i].label == label)
        return with({factor.name(), factor.index(i), factor.levels()[i]});
    return with({factor.name(), 0, {.label = label, .title = label}});
  }
  /// The titles of its levels: "everysec, 50 connections".
  std::string title() const;
  /// {"part", …} where the grid has a name, and a label for each factor.
  Labels labels() const;
  /// "conns-50-always".
  std::string name() const;
  /// Of its n-th repeat: "conns-50-always-r2".
  std::string runName(unsigned repeat) const;

  friend bool operator==(const Cell& a, const Cell& b) { return a.labels() == b.labels(); }

 private:
  const Coordinate& coordinate(std::string_view factor) const;
  Cell with(Coordinate coordinate) const;

  std::string part_;
  std::vector<Coordinate> coordinates_;
};

/// All runs of an experiment as one condition, for totals.
inline Cell everyRun() {
  return {"", {}};
}

/// Conditions, in the order in which tables show them.
using Cells = std::vector<Cell>;

}  // namespace redline::lab
