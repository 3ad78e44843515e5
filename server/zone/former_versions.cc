#include "former_versions.h"

#include <memory>
#include <ranges>
#include <utility>

namespace blowback::zone {
namespace {

/// Changes that are taken back between two calls of `turned`: some milliseconds.
constexpr std::size_t kBetweenTurns = 500;

}  // namespace

FormerVersions::FormerVersions(std::string database, View present, UnixTime complete_from, const VersionLog& log,
                               std::function<void()> turned, std::size_t most)
    : database_(std::move(database)),
      after_(std::move(present)),
      complete_from_(complete_from),
      log_(log),
      turned_(std::move(turned)),
      left_(most),
      records_(log.records()) {}

std::optional<FormerVersions::Step> FormerVersions::next() {
  // The same serial: the same content.
  while (!records_.empty() && records_.back().serial == after_.serial) records_.pop_back();
  if (records_.empty()) return std::nullopt;
  const auto record = records_.back();
  records_.pop_back();
  auto step = step_to(record);
  if (!step) {
    records_.clear();
    return std::nullopt;
  }
  after_ = step->before;
  return step;
}

std::optional<FormerVersions::Step> FormerVersions::step_to(const VersionLog::Record& record) {
  if (record.serial > after_.serial || record.journal > after_.index->serial() || record.as_of > after_.as_of)
    return std::nullopt;
  // What had ended by then, and wasn't recorded, may have been left out.
  if (record.as_of < complete_from_) return std::nullopt;
  if (!store_) {
    auto opened = schema::Store::open(database_, schema::Store::Mode::follow);
    if (!opened) return std::nullopt;
    store_ = std::move(*opened);
  }
  const auto changes = changes_since(record);
  if (!changes) return std::nullopt;
  std::vector<ListingChange> back;
  back.reserve(changes->size());
  for (const auto& change : *changes | std::views::reverse) {
    const auto former = store_->change_back(change);
    if (!former || !*former) return std::nullopt;
    back.push_back(**former);
    if (back.size() % kBetweenTurns == 0 && turned_) turned_();
  }
  if (store_->is_overtaken()) return std::nullopt;
  auto touched = after_.index->ended(record.as_of, after_.as_of).prefixes;
  for (const auto& change : *changes) touched.push_back(change.prefix);
  std::optional<Step> step(std::in_place);
  step->before.index = std::make_shared<const ListingIndex>(after_.index->back_to(record.journal, back));
  step->before.serial = record.serial;
  step->before.as_of = record.as_of;
  step->after = after_;
  step->touched = std::move(touched);
  return step;
}

std::optional<std::vector<ListingChange>> FormerVersions::changes_since(const VersionLog::Record& record) {
  const auto count = static_cast<std::size_t>(after_.index->serial() - record.journal);
  if (count > left_ || record.journal == 0) return std::nullopt;
  left_ -= count;
  auto entries = store_->changes_since(record.journal - 1, count + 1);
  if (!entries || entries->size() != count + 1 || !log_.proves(record, entries->front())) return std::nullopt;
  Serial serial = record.journal;
  for (const auto& entry : *entries) {
    if (entry.serial != serial++) return std::nullopt;
  }
  entries->erase(entries->begin());
  return std::move(*entries);
}

}  // namespace blowback::zone
