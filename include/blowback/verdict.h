// The judge's verdict on one delivery, and the facts from its message that are recorded with it.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/kind.h"

#include <optional>
#include <string>
#include <vector>

namespace blowback {

/// One observation for or against the verdict. A positive weight supports the kind that was found.
struct Signal {
  std::string name;  ///< stable and short: `report-type-delivery-status`
  double weight = 0;
};

/// Claims about the returned message. They serve to tell mailings apart and to explain, and prove nothing.
struct ReturnedOriginal {
  std::string message_id;   ///< without angle brackets, "" if absent; likewise below
  std::string from;         ///< address of the From: header
  std::string return_path;  ///< address of Return-Path: or X-Envelope-From:
  std::string subject;      ///< decoded to UTF-8
  std::string date;         ///< as written
  /// The client that gave the original to the accused server, by the topmost Received: field that names a client; that server wrote it.
  /// Absent if that is a private address: then the fields below may come from anybody behind it.
  std::optional<IpAddress> client;
  /// SPF failed when the accused server accepted the original (its Received-SPF: or Authentication-Results:): it could have
  /// rejected it.
  bool spf_failed = false;
};

struct Verdict {
  Kind kind = Kind::not_backscatter;
  Cause cause = Cause::none;
  /// 0 to 1; 1: structure and content leave no doubt. The weight of an incident is multiplied by it.
  double confidence = 0;
  /// The returned original claims to come from the trap. The author of the delivery also wrote this claim: it explains, and
  /// proves nothing.
  bool claims_trap = false;
  std::vector<Signal> signals;
  std::optional<ReturnedOriginal> original;
  /// Hash in hex of the returned original's stable parts; "" if nothing was returned.
  std::string campaign;
  /// The mailbox that answered (its From:) or that couldn't be delivered to (the first failing recipient), lower case.
  /// "" if unknown.
  std::string mailbox;
  /// That mailbox exists: it answers, is full, rejects, or forwards to a server that rejects. Not so in a bounce for a user that
  /// the accused server itself doesn't know: anybody can name any number of those.
  bool mailbox_exists = false;
  std::string reporting_mta;  ///< the DSN's Reporting-MTA, without `dns;`
  std::string product;        ///< the mail server's product, if known: `postfix`, `exchange`, `qmail`…
  std::string queue_id;       ///< of the accused server, from its Message-ID, Received: or X-Postfix-Queue-ID
  std::string message_id;     ///< of the delivery itself, without angle brackets
  std::string subject;        ///< of the delivery itself, decoded
};

}  // namespace blowback
