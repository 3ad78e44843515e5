// All networks of one family and length that one role speaks of, as an immutable sorted map that shares what it can with its
// successors: a copy with changes costs what is near the changes, not the size of the map.
//
// Three levels: pages of blocks of entries (packed_block.h). A change writes its block anew, the page's list of blocks, and the
// root's list of pages; all else is shared, and goes when the last map that holds it goes. Safe from any thread: nothing
// changes once made.
#pragma once

#include "packed_block.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace blowback::zone {

template <typename Number>
class NetworkTable {
 public:
  using Entry = NetworkEntry<Number>;
  struct Change {
    Entry entry;
    bool removed = false;
  };

  /// Makes a table of entries that come in ascending order, without holding them.
  class Builder;
  /// Visits entries in ascending order, from any number on, one block's at a time.
  class Cursor;

  NetworkTable() = default;

  /// With `changes` made to it. Requires them ascending by number, one for each.
  [[nodiscard]] NetworkTable with(std::span<const Change> changes) const;
  /// Without what has ended by `now`: costs the blocks that hold such entries, and a look at each page.
  [[nodiscard]] NetworkTable without_ended(EndSeconds now) const;

  /// The entry with that number, if in force.
  [[nodiscard]] std::optional<Entry> find(Number number, EndSeconds now) const;
  /// Has the processor fetch what `find` will read for each of `numbers`, all at once: their waiting for memory overlaps.
  void prefetch(std::span<const Number> numbers) const;
  /// The first entry in force from `from` to `to`, both included, that has one of the codes `wanted`; if that is empty, whatever it has. Blocks and pages
  /// without these codes are passed over.
  [[nodiscard]] std::optional<Entry> first_within(Number from, Number to, EndSeconds now, CodeSet wanted = {}) const;
  /// Visits every entry in ascending order, ended ones not yet dropped included.
  template <typename Visit>
  void for_each(Visit visit) const {
    std::vector<Entry> entries;
    for (const auto& page : pages_) {
      for (const auto& block : page->blocks) {
        entries.clear();
        block.append_to(entries);
        for (const auto& entry : entries) visit(entry);
      }
    }
  }
  /// Visits every entry that ends after `after` and not after `until`. Returns when the next one ends after that.
  template <typename Visit>
  [[nodiscard]] EndSeconds visit_ended(EndSeconds after, EndSeconds until, Visit visit) const {
    EndSeconds next = kNeverEnds;
    std::vector<Entry> entries;
    for (const auto& page : pages_) {
      if (page->soonest > until) {
        next = std::min(next, page->soonest);
        continue;
      }
      for (const auto& block : page->blocks) {
        if (block.soonest_end() > until) {
          next = std::min(next, block.soonest_end());
          continue;
        }
        entries.clear();
        block.append_to(entries);
        for (const auto& entry : entries) {
          if (entry.ends > until) {
            next = std::min(next, entry.ends);
          } else if (entry.ends > after) {
            visit(entry);
          }
        }
      }
    }
    return next;
  }
  /// Ended ones not yet dropped included.
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] EndSeconds soonest_end() const;
  /// Octets that it takes with all that hangs on it, without what the allocator adds.
  [[nodiscard]] std::size_t octets() const;

 private:
  using Block = PackedBlock<Number>;

  struct Page {
    std::vector<Number> firsts;  ///< of each block: what is searched, close together
    std::vector<Block> blocks;
    std::size_t entries = 0;
    EndSeconds soonest = kNeverEnds;
    CodeSet codes;  ///< of all entries together

    /// Whether there may be an entry with one of `wanted`; if that is empty, with any code or none.
    [[nodiscard]] bool may_have(CodeSet wanted) const { return wanted.empty() || !(codes & wanted).empty(); }
  };

  /// The last place in `firsts` that isn't above `number`; 0 where all are. Requires that there is one.
  [[nodiscard]] static std::size_t place_of(const std::vector<Number>& firsts, Number number);
  /// The blocks of `page` with changes made and ended entries dropped go to `out`.
  static void rebuild(const Page& page, std::span<const Change> changes, EndSeconds now, Builder& out);

  std::vector<Number> firsts_;
  std::vector<std::shared_ptr<const Page>> pages_;
};

template <typename Number>
class NetworkTable<Number>::Builder {
 public:
  /// Requires a number above the last one's.
  void add(const Entry& entry);
  /// The last one added, if any.
  [[nodiscard]] const std::optional<Number>& last() const { return last_; }
  [[nodiscard]] NetworkTable finish();

 private:
  friend class NetworkTable;
  void add_shared(const Block& block);
  void add_shared(std::shared_ptr<const Page> page);
  /// Whether what waits is too little for a block, or a page, of its own.
  [[nodiscard]] bool wants_more_entries() const;
  [[nodiscard]] bool wants_more_blocks() const;
  void append(Block block);
  void pack(std::size_t count);
  void pack_all();
  void end_page();

  NetworkTable table_;
  std::vector<Entry> waiting_;
  Page page_;
  std::optional<Number> last_;
};

template <typename Number>
class NetworkTable<Number>::Cursor {
 public:
  /// At the first entry whose number is at least `from`: a search, and reading one block or two. The table must outlive it. Blocks and pages without an
  /// entry that has one of the codes `wanted` are passed over, unless that is empty.
  Cursor(const NetworkTable& table, Number from, CodeSet wanted = {}) : table_(&table), wanted_(wanted) {
    if (table.pages_.empty()) return;
    page_ = place_of(table.firsts_, from);
    const auto& page = *table.pages_[page_];
    block_ = place_of(page.firsts, from);
    const auto& block = page.blocks[block_++];
    block.append_to(entries_);
    at_ = block.at_least(from);
    if (at_ == entries_.size()) fill();
  }

  /// nullptr: there is none left. Ended ones not yet dropped are included; likewise some without the codes that are wanted.
  [[nodiscard]] const Entry* entry() const { return at_ < entries_.size() ? &entries_[at_] : nullptr; }
  void advance() {
    if (++at_ == entries_.size()) fill();
  }

 private:
  /// Reads the next block.
  void fill() {
    entries_.clear();
    at_ = 0;
    for (; page_ < table_->pages_.size(); ++page_, block_ = 0) {
      const auto& page = *table_->pages_[page_];
      if (!page.may_have(wanted_)) continue;
      while (block_ < page.blocks.size()) {
        const auto& block = page.blocks[block_++];
        if (block.next_with(wanted_, 0) == block.size()) continue;
        block.append_to(entries_);
        return;
      }
    }
  }

  const NetworkTable* table_;
  CodeSet wanted_;
  std::size_t page_ = 0;
  std::size_t block_ = 0;  ///< of the page, the next to be read
  std::vector<Entry> entries_;
  std::size_t at_ = 0;
};

extern template class NetworkTable<std::uint32_t>;
extern template class NetworkTable<std::uint64_t>;
extern template class NetworkTable<Number128>;

}  // namespace blowback::zone
