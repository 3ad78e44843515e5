// Building, patching and searching the three levels.
//
// Blocks are built nearly full, with room for some more before they are split in two. Where changes leave a block or page with
// little in it, it takes in the next one, so that removing most of a list leaves few blocks, not many small ones.
#include "network_table.h"

#include <array>
#include <cassert>
#include <utility>

namespace blowback::zone {
namespace {

constexpr std::size_t kFullBlock = 224;
constexpr std::size_t kSmallBlock = 96;
constexpr std::size_t kFullPage = 256;
constexpr std::size_t kSmallPage = 64;

/// Takes off `changes` those below `number`.
template <typename Change, typename Number>
[[nodiscard]] std::span<const Change> take_below(std::span<const Change>& changes, Number number) {
  const auto end =
      std::ranges::lower_bound(changes, number, {}, [](const Change& change) { return change.entry.number; });
  const auto taken = changes.first(static_cast<std::size_t>(end - changes.begin()));
  changes = changes.subspan(taken.size());
  return taken;
}

}  // namespace

// ── building ────────────────────────────────────────────────────────────────────────────────────────────────────────

template <typename Number>
void NetworkTable<Number>::Builder::add(const Entry& entry) {
  assert(!last_ || *last_ < entry.number);
  last_ = entry.number;
  waiting_.push_back(entry);
  // Twice as many as a block takes: what is left at the end can always be cut into blocks that aren't small.
  if (waiting_.size() == 2 * kFullBlock) pack(kFullBlock);
}

template <typename Number>
void NetworkTable<Number>::Builder::add_shared(const Block& block) {
  pack_all();
  last_ = std::nullopt;
  append(block);
}

template <typename Number>
void NetworkTable<Number>::Builder::append(Block block) {
  page_.firsts.push_back(block.first());
  page_.entries += block.size();
  page_.soonest = std::min(page_.soonest, block.soonest_end());
  page_.codes |= block.codes();
  page_.blocks.push_back(std::move(block));
  if (page_.blocks.size() == 2 * kFullPage) end_page();
}

template <typename Number>
void NetworkTable<Number>::Builder::add_shared(std::shared_ptr<const Page> page) {
  pack_all();
  end_page();
  last_ = std::nullopt;
  table_.firsts_.push_back(page->firsts.front());
  table_.pages_.push_back(std::move(page));
}

template <typename Number>
bool NetworkTable<Number>::Builder::wants_more_entries() const {
  return !waiting_.empty() && waiting_.size() < kSmallBlock;
}

template <typename Number>
bool NetworkTable<Number>::Builder::wants_more_blocks() const {
  return wants_more_entries() || (!page_.blocks.empty() && page_.blocks.size() < kSmallPage);
}

template <typename Number>
void NetworkTable<Number>::Builder::pack(std::size_t count) {
  Block block(std::span<const Entry>(waiting_).first(count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  append(std::move(block));
}

template <typename Number>
void NetworkTable<Number>::Builder::pack_all() {
  if (waiting_.size() > Block::kMost) pack(waiting_.size() / 2);
  if (!waiting_.empty()) pack(waiting_.size());
}

/// All blocks become pages: one, or where that would be large, several alike.
template <typename Number>
void NetworkTable<Number>::Builder::end_page() {
  const auto blocks = page_.blocks.size();
  const auto pages = (blocks + kFullPage - 1) / kFullPage;
  if (pages == 1) {
    table_.firsts_.push_back(page_.firsts.front());
    page_.firsts.shrink_to_fit();
    page_.blocks.shrink_to_fit();
    table_.pages_.push_back(std::make_shared<const Page>(std::exchange(page_, {})));
    return;
  }
  for (std::size_t i = 0; i < pages; ++i) {
    Page part;
    for (auto block = blocks * i / pages; block < blocks * (i + 1) / pages; ++block) {
      part.firsts.push_back(page_.firsts[block]);
      part.entries += page_.blocks[block].size();
      part.soonest = std::min(part.soonest, page_.blocks[block].soonest_end());
      part.codes |= page_.blocks[block].codes();
      part.blocks.push_back(std::move(page_.blocks[block]));
    }
    table_.firsts_.push_back(part.firsts.front());
    table_.pages_.push_back(std::make_shared<const Page>(std::move(part)));
  }
  page_ = {};
}

template <typename Number>
NetworkTable<Number> NetworkTable<Number>::Builder::finish() {
  pack_all();
  end_page();
  return std::move(table_);
}

// ── changing ────────────────────────────────────────────────────────────────────────────────────────────────────────

template <typename Number>
void NetworkTable<Number>::rebuild(const Page& page, std::span<const Change> changes, EndSeconds now, Builder& out) {
  std::vector<Entry> old;
  for (std::size_t i = 0; i < page.blocks.size(); ++i) {
    const auto& block = page.blocks[i];
    const auto own = i + 1 < page.blocks.size() ? take_below(changes, page.firsts[i + 1]) : changes;
    if (own.empty() && block.soonest_end() > now && !out.wants_more_entries()) {
      out.add_shared(block);
      continue;
    }
    old.clear();
    block.append_to(old);
    const auto keep = [&](const Entry& entry) {
      if (entry.ends > now) out.add(entry);
    };
    auto before = old.cbegin();
    for (const auto& change : own) {
      for (; before != old.cend() && before->number < change.entry.number; ++before) keep(*before);
      if (before != old.cend() && before->number == change.entry.number) ++before;
      if (!change.removed) keep(change.entry);
    }
    for (; before != old.cend(); ++before) keep(*before);
    if (!out.wants_more_entries()) out.pack_all();
  }
}

template <typename Number>
NetworkTable<Number> NetworkTable<Number>::with(std::span<const Change> changes) const {
  if (changes.empty()) return *this;
  Builder out;
  constexpr EndSeconds kKeepEnded = std::numeric_limits<EndSeconds>::min();
  if (pages_.empty()) {
    for (const auto& change : changes) {
      if (!change.removed) out.add(change.entry);
    }
    return out.finish();
  }
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    const auto own = i + 1 < pages_.size() ? take_below(changes, firsts_[i + 1]) : changes;
    if (own.empty() && !out.wants_more_blocks()) {
      out.add_shared(pages_[i]);
    } else {
      rebuild(*pages_[i], own, kKeepEnded, out);
    }
  }
  return out.finish();
}

template <typename Number>
NetworkTable<Number> NetworkTable<Number>::without_ended(EndSeconds now) const {
  Builder out;
  for (const auto& page : pages_) {
    if (page->soonest > now && !out.wants_more_blocks()) {
      out.add_shared(page);
    } else {
      rebuild(*page, {}, now, out);
    }
  }
  return out.finish();
}

// ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────

template <typename Number>
std::size_t NetworkTable<Number>::place_of(const std::vector<Number>& firsts, Number number) {
  // A binary search that has nothing to guess wrong: which half is arithmetic, not a branch.
  const Number* base = firsts.data();
  std::size_t size = firsts.size();
  while (size > 1) {
    const auto half = size / 2;
    base += base[half] <= number ? half : 0;
    size -= half;
  }
  return static_cast<std::size_t>(base - firsts.data());
}

template <typename Number>
std::optional<typename NetworkTable<Number>::Entry> NetworkTable<Number>::find(Number number, EndSeconds now) const {
  if (pages_.empty()) return std::nullopt;
  const auto& page = *pages_[place_of(firsts_, number)];
  const auto entry = page.blocks[place_of(page.firsts, number)].find(number);
  if (!entry || entry->ends <= now) return std::nullopt;
  return entry;
}

template <typename Number>
void NetworkTable<Number>::prefetch(std::span<const Number> numbers) const {
  if (pages_.empty()) return;
  constexpr std::size_t kAtOnce = 64;
  std::array<const Block*, kAtOnce> blocks;
  for (; !numbers.empty(); numbers = numbers.subspan(std::min(kAtOnce, numbers.size()))) {
    const auto count = std::min(kAtOnce, numbers.size());
    for (std::size_t i = 0; i < count; ++i) {
      const auto& page = *pages_[place_of(firsts_, numbers[i])];
      blocks[i] = &page.blocks[place_of(page.firsts, numbers[i])];
      blocks[i]->prefetch();
    }
    for (std::size_t i = 0; i < count; ++i) blocks[i]->prefetch(numbers[i]);
  }
}

template <typename Number>
std::optional<typename NetworkTable<Number>::Entry> NetworkTable<Number>::first_within(Number from, Number to,
                                                                                       EndSeconds now,
                                                                                       CodeSet wanted) const {
  if (pages_.empty()) return std::nullopt;
  for (auto page = place_of(firsts_, from); page < pages_.size() && firsts_[page] <= to; ++page) {
    if (!pages_[page]->may_have(wanted)) continue;
    const auto& blocks = pages_[page]->blocks;
    const auto& firsts = pages_[page]->firsts;
    for (auto block = place_of(firsts, from); block < blocks.size() && firsts[block] <= to; ++block) {
      const auto size = blocks[block].size();
      const auto next = [&](std::size_t place) { return blocks[block].next_with(wanted, place); };
      for (auto place = next(blocks[block].at_least(from)); place < size; place = next(place + 1)) {
        const auto entry = blocks[block].entry(place);
        if (entry.number > to) return std::nullopt;
        if (entry.ends > now) return entry;
      }
    }
  }
  return std::nullopt;
}

template <typename Number>
std::size_t NetworkTable<Number>::size() const {
  std::size_t size = 0;
  for (const auto& page : pages_) size += page->entries;
  return size;
}

template <typename Number>
EndSeconds NetworkTable<Number>::soonest_end() const {
  auto soonest = kNeverEnds;
  for (const auto& page : pages_) soonest = std::min(soonest, page->soonest);
  return soonest;
}

template <typename Number>
std::size_t NetworkTable<Number>::octets() const {
  std::size_t octets = sizeof *this + firsts_.capacity() * sizeof(Number) + pages_.capacity() * sizeof pages_[0];
  for (const auto& page : pages_) {
    octets += sizeof(Page) + page->firsts.capacity() * sizeof(Number) + page->blocks.capacity() * sizeof(Block);
    for (const auto& block : page->blocks) octets += block.octets();
  }
  return octets;
}

template class NetworkTable<std::uint32_t>;
template class NetworkTable<std::uint64_t>;
template class NetworkTable<Number128>;

}  // namespace blowback::zone
