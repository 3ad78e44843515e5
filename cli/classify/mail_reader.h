// The messages that `blowback classify` is given: files, folders, mboxes, JSON lines, standard input.
#pragma once

#include "blowback/trap_delivery.h"
#include "context.h"
#include "feed/feed.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace blowback::cli {

/// Where a message is.
struct Place {
  enum class Form : std::uint8_t { message, mbox, json_line };

  std::string path;  ///< as it was named, below a folder with it; `standard input`
  Form form = Form::message;
  /// The offset of the message in an mbox, in octets; the number of a JSON line, from 1.
  std::optional<std::uint64_t> number = {};

  /// `a.eml`, `traps.mbox:offset 4096`, `partner.jsonl:12`.
  [[nodiscard]] std::string to_string() const;
};

/// Reads in the order of the arguments, and within a folder in the order of the names. Memory: one message, or one chunk of a feed.
class MailReader {
 public:
  struct Takers {
    /// The delivery is valid during the call.
    std::function<void(const Place&, TrapDelivery&)> message;
    /// There is a message, or a line, that can't be read.
    std::function<void(const Place&, const feed::Unreadable&)> unreadable;
    /// Nothing of the path can be read, or nothing more; `why` is for a person.
    std::function<void(const std::string& path, std::string_view why)> failed;
  };

  /// `json_lines`: all files have JSON lines, as a feed of type jsonl reads them; else messages and mboxes.
  MailReader(const Context& context, bool json_lines, Takers takers)
      : context_(context), json_lines_(json_lines), takers_(std::move(takers)) {}

  /// `path`: `-` is standard input: one message, or JSON lines.
  void read(const std::string& path);

 private:
  void file(const std::filesystem::path& path);
  void message(const std::filesystem::path& path);
  void mbox(const std::string& path);
  void json_lines(const std::string& path);
  /// False: there was nothing.
  bool take_all(feed::Feed& feed, const std::string& path, Place::Form form);

  const Context& context_;
  bool json_lines_;
  Takers takers_;
  TrapDelivery delivery_;  ///< its buffer is used for all messages in files of their own
};

}  // namespace blowback::cli
