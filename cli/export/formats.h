// What each export format looks like. All of them say the same: the pieces (flatten.h), or what is in them.
#pragma once

#include "blowback/listing.h"
#include "blowback/unix_time.h"
#include "config/config.h"
#include "export/flatten.h"

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::cli {

/// The list as of one serial.
struct Exported {
  const config::Config& config;
  Serial serial = 0;
  UnixTime now{};
  std::vector<Piece> pieces;  ///< as they come out of for_each_piece
};

/// The zone's TXT for an address or network. One string of at most 255 ASCII octets, as the config made sure.
[[nodiscard]] std::string txt_for(const config::Zone& zone, const Prefix& prefix);

/// A line each: addresses bare, networks with their length; `with_length`: all with their length.
void write_plain(std::FILE* out, const Exported& list, bool with_length);
/// A file of rbldnsd's `combined` type, which has an ip4set and an ip6trie for each code: an address with two codes has two
/// A records, as ours has. Its zone is named on rbldnsd's command line.
void write_rbldnsd(std::FILE* out, const Exported& list);
/// A master file (RFC 1035 §5), whole, with the test points of RFC 5782 §5. See zone.cc for the wildcards in it.
void write_zone(std::FILE* out, const Exported& list);
/// A cidr_table(5) for Postfix, to be used where the null reverse-path is known.
void write_postfix(std::FILE* out, const Exported& list);
/// For `nft -f`: two sets in a table of their own, replaced whole in one transaction; rules that use them stay.
void write_nft(std::FILE* out, const Exported& list);

/// 127.0.0.1 and the test points: whatever is listed around them, they are not part of it.
[[nodiscard]] std::vector<Prefix> set_apart();

}  // namespace blowback::cli
