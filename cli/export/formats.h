// The export formats. All of them represent the same pieces (flatten.h).
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
  const config::Zone& zone;
  Serial serial = 0;
  UnixTime now{};
  std::vector<Piece>
      pieces;  ///< with the zone's codes only: the output of for_each_piece; for a zone what listings and exemptions say, in the order of walked_before
};

/// The zone's TXT for an address or network. One string of ASCII, cut to 255 octets as in the server's answers: the config makes sure that any
/// address fits, but a network's text may be longer by its length.
[[nodiscard]] std::string txt_for(const config::Zone& zone, const Prefix& prefix);

/// One line per piece: an address, or a network with its length; with `with_length` always with a length.
void write_plain(std::FILE* out, const Exported& list, bool with_length);
/// A file of rbldnsd's `combined` type, with an ip4set and an ip6trie for each code: an address with two codes has two A records,
/// as in our own answers. The zone's name is given on rbldnsd's command line.
void write_rbldnsd(std::FILE* out, const Exported& list);
/// A complete master file (RFC 1035 §5), with the test points of RFC 5782 §5. See zone.cc for its wildcards.
void write_zone(std::FILE* out, const Exported& list);
/// A cidr_table(5) for Postfix, for use where only mail with the null reverse-path is looked up.
void write_postfix(std::FILE* out, const Exported& list);
/// For `nft -f`: two sets in a table of their own, replaced in one transaction. Rules that use the sets stay.
void write_nft(std::FILE* out, const Exported& list);

}  // namespace blowback::cli
