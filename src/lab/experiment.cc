#include "lab/experiment.h"

#include <algorithm>
#include <cmath>

namespace redline {

Flags joinFlags(std::initializer_list<Flags> parts) {
  Flags all;
  for (const Flags& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bench::Bench(ScopedStack& stack, std::filesystem::path directory, LabCpus cpus, RunRecord& record,
             std::function<bool()> interrupted)
    : stack_(stack),
      directory_(std::move(directory)),
      cpus_(std::move(cpus)),
      record_(record),
      interrupted_(std::move(interrupted)) {}

Result<Admin*> Bench::admin() {
  if (!admin_ || !admin_->connected()) {
    auto made = stack_.node().admin();
    if (!made) return fail(made.error());
    admin_.emplace(std::move(*made));
  }
  return &*admin_;
}

Result<PgAdmin*> Bench::store() {
  if (!store_) {
    const auto address = stack_.backingAddress();
    if (!address)
      return fail(ErrorCode::usage, "its stack has no store: start it with -backing=postgres");
    auto made = PgAdmin::connect(*address);
    if (!made) return fail(made.error());
    store_.emplace(std::move(*made));
  }
  return &*store_;
}

void Bench::figure(std::string name, double value) {
  record_.figures.emplace_back(std::move(name), value);
}

void Bench::note(std::string name, std::string text) {
  record_.notes.emplace_back(std::move(name), std::move(text));
}

void Bench::command(std::string line) {
  record_.commands.push_back(std::move(line));
}

const RunDir* Reading::dir(std::size_t drive) const {
  return drive < dirs.size() ? &dirs[drive] : nullptr;
}

const Summary* Reading::summary() const {
  return dirs.empty() || !dirs.front().summary ? nullptr : &*dirs.front().summary;
}

std::vector<const Reading*> Readings::with(const Labels& labels) const {
  std::vector<const Reading*> found;
  for (const auto& reading : all_) {
    const auto matches = [&](const auto& label) {
      return reading->label(label.first) == label.second;
    };
    if (reading->done() && std::ranges::all_of(labels, matches)) found.push_back(reading.get());
  }
  return found;
}

const Reading* Readings::named(std::string_view name) const {
  const auto found =
      std::ranges::find_if(all_, [&](const auto& reading) { return reading->record.name == name; });
  return found == all_.end() ? nullptr : found->get();
}

void Readings::replace(Reading reading) {
  std::erase_if(all_, [&](const auto& one) { return one->record.name == reading.record.name; });
  add(std::move(reading));
}

std::size_t Readings::failures() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      all_, [](const auto& reading) { return reading->record.state == RunState::failed; }));
}

std::vector<double> figuresOf(const std::vector<const Reading*>& readings,
                              const std::function<double(const Reading&)>& figure) {
  std::vector<double> figures;
  for (const Reading* const reading : readings)
    if (const double value = figure(*reading); std::isfinite(value)) figures.push_back(value);
  return figures;
}

std::vector<std::string> namesOf(const std::vector<const Reading*>& readings) {
  std::vector<std::string> names;
  for (const Reading* const reading : readings) names.push_back(reading->record.name);
  return names;
}

}  // namespace redline
