// Where trap mail comes from: one interface, one file per feed type beside it.
//
// A feed yields deliveries in batches and says where it would go on after each. Nothing is removed or moved before the
// batch is committed to the database; killed at any instant, it yields the same again and the store counts it once.
#pragma once

#include "blowback/trap_delivery.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace blowback::feed {

/// What a feed found that is no delivery: told in one log line, counted, quarantined; what follows is read on.
struct Unreadable {
  std::string reason;  ///< short stable name: `not-json`, `too-large`, `no-from-line`, `unreadable-file`…
  std::string detail;  ///< a sentence for a person, in our own words: it is logged
  std::string bytes;   ///< the thing itself, cut at 1 MiB; "" where it can't be read
  /// What the sentence is about, as a stranger wrote it, printable and cut; "" where it says it all. A milter has none.
  std::string quote = {};
};

struct Item {
  std::string where;  ///< file name, `line 12`, `offset 4096`: for logs and quarantine
  std::variant<TrapDelivery, Unreadable> content;
};

struct Chunk {
  std::vector<Item> items;
  /// Where the feed goes on after these items, in the feed's own words; goes into the store with them. Absent: unchanged.
  std::optional<std::string> position;
  /// There is nothing more for now; of standard input: for ever.
  bool drained = false;
};

struct FeedError {
  std::string text;  ///< what, where and the way out
};

/// How far a feed is, for a progress bar: of a file of known size.
struct Progress {
  std::uint64_t done = 0;   ///< octets
  std::uint64_t total = 0;  ///< octets
};

struct Bounds {
  std::size_t items = 500;           ///< per chunk
  std::size_t octets = 64U << 20U;   ///< per chunk: no further item is read once it holds so many
  std::size_t message = 32U << 20U;  ///< a larger message is Unreadable `too-large`, and is never held whole in memory
};

/// One thread at a time.
class Feed {
 public:
  virtual ~Feed() = default;
  /// What is there now, within the bounds; never waits, but for standard input a tenth of a second. An error means the feed as a whole can't be read (the folder is
  /// gone): the caller logs it once and asks again later.
  [[nodiscard]] virtual std::expected<Chunk, FeedError> next(const Bounds& bounds) = 0;
  /// The last chunk is in the database: files may be moved, the position is taken over. Failing to move is said in the
  /// error and does no harm: the same file read again is a duplicate.
  [[nodiscard]] virtual std::expected<void, FeedError> committed() = 0;
  /// A descriptor that becomes readable when there may be something new, or -1: ask again after a second.
  [[nodiscard]] virtual int wake_fd() const { return -1; }
  [[nodiscard]] virtual std::optional<Progress> progress() const { return std::nullopt; }
};

/// What becomes of a Maildir file once its delivery is in the database.
enum class AfterCommit : std::uint8_t { move_to_cur, remove };

/// Watches `path`/new by inotify. Each opens with the position the store has of it.
[[nodiscard]] std::expected<std::unique_ptr<Feed>, FeedError> open_maildir(const std::string& path, AfterCommit after,
                                                                           const std::optional<std::string>& position);

/// How the writer of an mbox keeps a message's text from beginning another message.
enum class MboxQuoting : std::uint8_t {
  none,            ///< not at all, or nobody knows how: whoever writes a message can write others into it
  mboxrd,          ///< by a `>` in front of `From `, `>From `, `>>From ` and so on
  mboxo,           ///< by a `>` in front of `From `
  content_length,  ///< `Content-Length:` says how long the body is (mboxcl, mboxcl2)
};

/// One mbox file; what is appended later is read too, a file that was replaced is read from its start. Where boundaries can't be
/// believed the deliveries are doubtful_boundary, and their reverse-path is unknown.
[[nodiscard]] std::expected<std::unique_ptr<Feed>, FeedError> open_mbox(const std::string& path, MboxQuoting quoting,
                                                                        const std::optional<std::string>& position);
/// One JSON object per line. `path` `-` is standard input, whose position isn't kept.
[[nodiscard]] std::expected<std::unique_ptr<Feed>, FeedError> open_jsonl(const std::string& path,
                                                                         const std::optional<std::string>& position);

/// The envelope that goes with a message on standard input.
struct Envelope {
  std::optional<std::string> client_ip;
  std::string helo;
  std::optional<std::string> mail_from;
  std::vector<std::string> rcpt_to;
};

/// Fills what `options` leaves open from the variables that MTAs set: SENDER and RECIPIENT (Postfix, Exim, qmail),
/// ORIGINAL_RECIPIENT, CLIENT_ADDRESS and CLIENT_HELO (Postfix). A CLIENT_ADDRESS that is special-use is passed over: behind a
/// content filter it is 127.0.0.1, and the trace tells more. `get` looks a variable up (std::getenv in the program).
[[nodiscard]] Envelope completed_by_environment(Envelope options, const std::function<const char*(const char*)>& get);

/// One message, read from `fd` to its end; an empty input is no delivery. `now` becomes received_at.
[[nodiscard]] std::expected<std::unique_ptr<Feed>, FeedError> open_stdin(int fd, const Envelope& envelope,
                                                                         UnixTime now);

}  // namespace blowback::feed
