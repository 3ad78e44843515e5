// Checks of the database.
#include "store_impl.h"

#include <array>

namespace blowback::schema {
namespace {

struct Rule {
  const char* broken;  ///< the finding, after the count
  const char* count;   ///< a query for the number of violations
};

// Invariants of our databases that SQLite itself doesn't enforce.
constexpr std::array kRules{
    Rule{"missing numbers in the journal (listing_change): followers can't trust it, restore a backup",
         // Before the entry that the restoration of a backup makes (backup.cc), numbers are missing.
         "SELECT coalesce(max(serial) - min(serial) + 1 - count(*), 0) FROM listing_change WHERE serial >= max((SELECT "
         "coalesce(max(value), 0) FROM total WHERE name = 'journal_from'), (SELECT coalesce(max(serial), 0) FROM "
         "listing_change WHERE first = zeroblob(16) AND length = 128 AND action = 5))"},
    Rule{"listings that the journal doesn't end with: the list and its journal differ",
         "SELECT count(*) FROM listing l WHERE NOT EXISTS (SELECT 1 FROM listing_change c WHERE c.serial = "
         "(SELECT max(serial) FROM listing_change d WHERE d.first = l.first AND d.length = l.length AND d.source = "
         "l.source "
         "AND d.action < 4) AND c.action IN (0, 1) AND c.codes = l.codes AND c.expires_at IS l.expires_at)"},
    Rule{"prefixes that the journal lists and the list doesn't hold",
         "SELECT count(*) FROM (SELECT first, length, source, action, max(serial) FROM listing_change WHERE action < 4 "
         "GROUP BY first, length, source) j WHERE j.action IN (0, 1) AND NOT EXISTS (SELECT 1 FROM listing l WHERE "
         "l.first = j.first AND l.length = j.length AND l.source = j.source)"},
    Rule{"automatic listings whose sender has no standing",
         "SELECT count(*) FROM listing WHERE source = 0 AND first NOT IN (SELECT sender FROM standing)"},
    Rule{"incidents whose sender has no standing",
         "SELECT count(*) FROM (SELECT DISTINCT sender FROM incident) WHERE sender NOT IN (SELECT sender FROM "
         "standing)"},
    Rule{"incidents filed under a wrong sender",
         "SELECT count(*) FROM incident WHERE client IS NOT NULL AND substr(client, 1, 8) <> substr(sender, 1, 8)"},
    Rule{"texts of evidence whose number is yet to come",
         "SELECT count(*) FROM evidence WHERE number >= (SELECT value FROM total WHERE name = 'next_number')"},
    Rule{"wrong totals of listings",
         "SELECT count(*) FROM listing_total t WHERE listings <> (SELECT count(*) FROM listing l "
         "WHERE l.source = t.source AND l.codes = t.codes)"},
    Rule{"wrong totals of senders",
         "SELECT count(*) FROM total WHERE name = 'senders' AND value <> (SELECT count(*) FROM standing)"},
};

/// A larger database isn't read completely while somebody waits.
constexpr std::int64_t kReadWhole = std::int64_t{64} << 20U;
/// The tables that answers depend on, and the small ones.
constexpr std::array kSmallTables{"listing", "exemption", "audit", "feed_position", "retired_trap", "total"};

}  // namespace

Result<std::vector<std::string>> Store::check_integrity() {
  return attempt(impl_->path, [&]() -> std::vector<std::string> {
    const ReadTransaction one_state(impl_->db);
    std::vector<std::string> findings;
    Statement integrity(impl_->db, "PRAGMA integrity_check(20)");
    while (integrity.step()) {
      if (auto line = integrity.text(0); line != "ok") findings.push_back("SQLite: " + line);
    }
    if (!findings.empty()) return findings;  // our own queries would only meet the same damage
    Statement keys(impl_->db, "PRAGMA foreign_key_check");
    while (keys.step()) {
      findings.push_back("row " + std::to_string(keys.integer(1)) + " of " + keys.text(0) +
                         " refers to a missing row of " + keys.text(2));
    }
    for (const auto& rule : kRules) {
      if (const auto rows = impl_->db.integer(rule.count); rows != 0) {
        findings.push_back(std::to_string(rows) + " " + rule.broken);
      }
    }
    return findings;
  });
}

Result<std::vector<std::string>> Store::quick_check() {
  return attempt(impl_->path, [&]() -> std::vector<std::string> {
    std::vector<std::string> findings;
    const auto look = [&](const std::string& what) {
      Statement check(impl_->db, "PRAGMA quick_check(" + what + ")");
      while (check.step()) {
        if (auto line = check.text(0); line != "ok") findings.push_back("SQLite: " + line);
      }
    };
    if (impl_->db.integer("PRAGMA page_count") * impl_->db.integer("PRAGMA page_size") <= kReadWhole) {
      look("20");
    } else {
      for (const char* const table : kSmallTables) look(table);
    }
    return findings;
  });
}

}  // namespace blowback::schema
