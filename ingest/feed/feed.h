// Where trap mail comes from: one interface, and a file per feed type.
//
// A feed yields deliveries in chunks, each with the position after it. Nothing is removed or moved before the chunk is committed to the
// database. If ingest is killed at any time, the feed yields the same again, and the store counts it once.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/trap_delivery.h"
#include "blowback/unix_time.h"

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

/// Something that isn't a delivery: it is logged in one line, counted and quarantined, and the feed is read on.
struct Unreadable {
  std::string reason;  ///< short stable name: `not-json`, `too-large`, `no-from-line`, `unreadable-file`…
  std::string detail;  ///< a sentence for a person, without quotes of mail: it is logged
  std::string bytes;   ///< its content, cut at 1 MiB; "" if it can't be read
  /// The part of the content that the sentence is about, printable and cut; "": none. Milters have none.
  std::string quote = {};
};

struct Item {
  std::string where;  ///< file name, `line 12`, `offset 4096`: for logs and quarantine
  std::variant<TrapDelivery, Unreadable> content;
};

/// A message to removal.mail: a host asks for its own removal (blowback/removal.h). It is never judged, nor counted as trap mail.
struct RemovalMail {
  IpAddress client;    ///< that opened the connection, so that it has proved to control it
  UnixTime at{};       ///< when it had sent the message
  std::string header;  ///< the beginning of the message, at most 16 KiB
  /// To be called once with the reply that the client waits for, a line of SMTP without its end. If it isn't, the client gets 451.
  std::function<void(std::string reply)> answer;
};

struct Chunk {
  std::vector<Item> items;
  std::vector<RemovalMail> removals;  ///< in addition to the items; only of listeners
  /// Where the feed continues after these items, in its own format; committed with them. Absent: unchanged.
  std::optional<std::string> position;
  /// There is nothing more for now; on standard input, never again.
  bool drained = false;
};

struct FeedError {
  std::string text;  ///< what is wrong, where, and what to do
};

/// How much of a file was read, for a progress bar.
struct Progress {
  std::uint64_t done = 0;   ///< octets
  std::uint64_t total = 0;  ///< octets
};

struct Bounds {
  std::size_t items = 500;          ///< per chunk
  std::size_t octets = 64U << 20U;  ///< per chunk: no further item is read once it has so many
  std::size_t message =
      32U << 20U;  ///< a larger message becomes Unreadable `too-large`, and is never completely in memory
};

/// One thread at a time.
class Feed {
 public:
  virtual ~Feed() = default;
  /// What is there now, within the bounds. It doesn't wait, except for standard input a tenth of a second. An error means that the feed as a
  /// whole can't be read, for example because the folder is gone: the caller logs it once and tries again later.
  [[nodiscard]] virtual std::expected<Chunk, FeedError> next(const Bounds& bounds) = 0;
  /// The last chunk is in the database: the feed moves its files and continues at its position. An error means that files couldn't be moved,
  /// which is harmless: if they are read again, they are duplicates.
  [[nodiscard]] virtual std::expected<void, FeedError> committed() = 0;
  /// A descriptor that becomes readable when there may be something new; -1: there is none, ask again after a second.
  [[nodiscard]] virtual int wake_fd() const { return -1; }
  [[nodiscard]] virtual std::optional<Progress> progress() const { return std::nullopt; }
};

/// What to do with a Maildir's file once its delivery is in the database.
enum class AfterCommit : std::uint8_t { move_to_cur, remove };

/// Watches `path`/new by inotify. `position`, here and below: the last committed one.
[[nodiscard]] std::expected<std::unique_ptr<Feed>, FeedError> open_maildir(const std::string& path, AfterCommit after,
                                                                           const std::optional<std::string>& position);

/// How the writer of an mbox prevents a message's text from being read as the beginning of another message.
enum class MboxQuoting : std::uint8_t {
  none,            ///< not at all, or unknown: a message can contain forged ones
  mboxrd,          ///< a `>` before `From `, `>From `, `>>From ` and so on
  mboxo,           ///< a `>` before `From `
  content_length,  ///< `Content-Length:` has the length of the body (mboxcl, mboxcl2)
};

/// One mbox file. What is appended later is read too; a file that was replaced is read from its start. Deliveries whose boundaries may be
/// forged are doubtful_boundary, and their reverse-path is unknown.
[[nodiscard]] std::expected<std::unique_ptr<Feed>, FeedError> open_mbox(const std::string& path, MboxQuoting quoting,
                                                                        const std::optional<std::string>& position);
/// One JSON object per line. `-` as `path` is standard input, which has no position.
[[nodiscard]] std::expected<std::unique_ptr<Feed>, FeedError> open_jsonl(const std::string& path,
                                                                         const std::optional<std::string>& position);
/// The same lines from `fd` to its end, a pipe or a file: there is no position, and a last line without a newline counts. `name` stands for it in
/// error texts. `fd` must outlive the feed.
[[nodiscard]] std::unique_ptr<Feed> read_jsonl(int fd, const std::string& name);

/// The envelope of a message on standard input.
struct Envelope {
  std::optional<std::string> client_ip;
  std::string helo;
  std::optional<std::string> mail_from;
  std::vector<std::string> rcpt_to;
};

/// Completes `options` from the variables that MTAs set: SENDER and RECIPIENT (Postfix, Exim, qmail), ORIGINAL_RECIPIENT, CLIENT_ADDRESS and
/// CLIENT_HELO (Postfix). A special-use CLIENT_ADDRESS is ignored: behind a content filter it is 127.0.0.1, and the Received: fields tell more.
/// `get` returns a variable's value, as std::getenv.
[[nodiscard]] Envelope completed_by_environment(Envelope options, const std::function<const char*(const char*)>& get);

/// One message, read from `fd` to its end; empty input yields no delivery. `now` becomes received_at.
[[nodiscard]] std::expected<std::unique_ptr<Feed>, FeedError> open_stdin(int fd, const Envelope& envelope,
                                                                         UnixTime now);

}  // namespace blowback::feed
