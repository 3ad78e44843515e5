// What the zone holds: listed names, test points, the apex, and all that isn't there.
#include "answer_fixture.h"
#include "catch.h"

#include <random>
#include <set>

using namespace blowback;
using namespace blowback::test;
using answer::Outcome;
using Texts = std::vector<std::string>;

namespace {

const Texts kSoa{"bl.example.org.\t60\tIN\tSOA\tns1.example.org. host\\.master.example.org. 1 600 120 604800 60"};

/// NOERROR without an answer, the SOA in its place.
void check_nodata(const Reply& reply) {
  CHECK(reply.rcode() == kNoError);
  CHECK(reply.aa());
  CHECK(reply.answers().empty());
  CHECK(reply.authority().size() == 1);
}

void check_nxdomain(const Reply& reply) {
  CHECK(reply.rcode() == kNxDomain);
  CHECK(reply.aa());
  CHECK(reply.answers().empty());
  CHECK(reply.authority().size() == 1);
}

}  // namespace

TEST_CASE("a listed address has one A per code, always in the same order", "[answer]") {
  const auto all = CodeSet::from_bits(0x7f);
  const Served served(index_of({listed("192.0.2.1", all), listed("198.51.100.1", CodeSet(Code::callout) | Code::dsn)}));
  CHECK(served.ask({.name = name_of(ip("192.0.2.1"))}).rdata() ==
        Texts{"127.0.0.2", "127.0.0.5", "127.0.0.6", "127.0.0.3", "127.0.0.7", "127.0.0.4", "127.0.0.9"});
  const auto reply = served.ask({.name = name_of(ip("198.51.100.1"))});
  CHECK(reply.answers() == Texts{"1.100.51.198.bl.example.org.\t300\tIN\tA\t127.0.0.2",
                                 "1.100.51.198.bl.example.org.\t300\tIN\tA\t127.0.0.4"});
  CHECK(reply.aa());
  CHECK(reply.authority().empty());
}

TEST_CASE("a listed address has exactly one TXT, one string that names it", "[answer]") {
  const Served served(index_of({listed("192.0.2.1", CodeSet(Code::callout) | Code::dsn), listed("2001:db8::/64")}));
  CHECK(served.ask({.name = name_of(ip("192.0.2.1")), .type = LDNS_RR_TYPE_TXT}).rdata() ==
        Texts{"\"Backscatter from 192.0.2.1, see https://bl.example.org/192.0.2.1\""});
  CHECK(served.ask({.name = name_of(ip("2001:db8::5")), .type = LDNS_RR_TYPE_TXT}).rdata() ==
        Texts{"\"Backscatter from 2001:db8::/64, see https://bl.example.org/2001:db8::/64\""});
}

TEST_CASE("the TXT names the network of a wildcard, and the address where it is named by itself", "[answer][rfc4592]") {
  const Served served(
      index_of({listed("93.185.4.0/24"), listed("93.186.0.0/15"), listed("93.188.4.0/24"), listed("93.190.0.64/26"),
                listed("2.0.1.0/24"), listed("2001:db8:1::/48"), listed("2001:db8:2::/47"), listed("2001:db8:1:ff::9"),
                listed("94.0.0.0/8"), listed("94.7.7.7", Code::mdn)},
               {exempt("93.188.4.9"), exempt("2001:db8:1:8::/61")}));
  const auto subject = [&](const std::string& address) {
    const auto rdata = served.ask({.name = name_of(ip(address)), .type = LDNS_RR_TYPE_TXT}).rdata();
    REQUIRE(rdata.size() == 1);
    const auto from = rdata[0].find("from ") + 5;
    return rdata[0].substr(from, rdata[0].find(',') - from);
  };
  CHECK(subject("93.185.4.1") == "93.185.4.0/24");
  CHECK(subject("93.187.4.1") == "93.187.0.0/16");  // not cut between labels
  CHECK(subject("93.188.4.1") == "93.188.4.1");     // divided by an exemption
  CHECK(subject("93.190.0.65") == "93.190.0.65");   // narrower than a label
  CHECK(subject("2.0.1.7") == "2.0.1.7");           // `*.1.0.2` would be above IPv6 names
  CHECK(subject("94.8.7.7") == "94.8.0.0/16");      // divided by a listing, in each network around that
  CHECK(subject("94.7.8.7") == "94.7.8.0/24");
  CHECK(subject("94.7.7.8") == "94.7.7.8");
  CHECK(subject("94.7.7.7") == "94.7.7.7");
  CHECK(subject("2001:db8:2::1") == "2001:db8:2::/48");
  CHECK(subject("2001:db8:1:10:1::1") == "2001:db8:1:10::/60");
  CHECK(subject("2001:db8:1:ff::9") == "2001:db8:1:ff::9");
}

TEST_CASE("a wildcard answers for every name below its parent, however absurd", "[answer][rfc4592]") {
  const Served served(index_of({listed("93.185.4.0/24"), listed("2001:db8:1::/48", Code::mdn), listed("192.0.2.1")}));
  const auto name = GENERATE(as<std::string>{}, "002", "256", "x", "*", "X", "x.y", "1.5", "*.x", "x.*.y", "5");
  CAPTURE(name);
  const auto reply = served.ask({.name = name + ".4.185.93.bl.example.org"});
  CHECK(reply.rdata() == Texts{"127.0.0.2"});
  CHECK(reply.aa());
  CHECK(reply.authority().empty());
  CHECK(served.outcome({.name = name + ".4.185.93.bl.example.org"}) == Outcome::listed);
  check_nodata(served.ask({.name = name + ".4.185.93.bl.example.org", .type = LDNS_RR_TYPE_MX}));
  CHECK(served.ask({.name = name + ".1.0.0.0.8.B.d.0.1.0.0.2.bl.example.org"}).rdata() == Texts{"127.0.0.7"});
  check_nodata(served.ask({.name = "4.185.93.bl.example.org"}));
  check_nodata(served.ask({.name = "185.93.bl.example.org"}));
  // Nothing is below a wildcard's own name (RFC 4592 §2.2.1), nor below an address.
  check_nxdomain(served.ask({.name = name + ".*.4.185.93.bl.example.org"}));
  check_nxdomain(served.ask({.name = name + ".1.2.0.192.bl.example.org"}));
  check_nxdomain(served.ask({.name = name + ".5.185.93.bl.example.org"}));
}

TEST_CASE("a TXT is never longer than a string can be", "[answer]") {
  auto settings = zone_config();
  settings.txt = std::string(250, 'x') + "{ip}";
  const Served served(index_of({listed("2001:db8::/64")}), settings);
  const auto text = served.ask({.name = name_of(ip("2001:db8::1234:5678")), .type = LDNS_RR_TYPE_TXT}).rdata();
  REQUIRE(text.size() == 1);
  CHECK(text[0].size() == 255 + 2);
}

TEST_CASE("the test points are listed without a row in the database, in both forms, each with its code",
          "[answer][rfc5782]") {
  const auto n = GENERATE(2, 3, 4, 5, 6, 7, 9);
  const auto address = ip("127.0.0." + std::to_string(n));
  const auto as_nibbles = GENERATE(false, true);
  CAPTURE(n, as_nibbles);
  const Served served;
  CHECK(served.ask({.name = name_of(address, as_nibbles)}).rdata() == Texts{address.to_string()});
  CHECK(served.ask({.name = name_of(address, as_nibbles), .type = LDNS_RR_TYPE_TXT}).rdata().size() == 1);
  CHECK(served.outcome({.name = name_of(address, as_nibbles)}) == Outcome::test_point);
}

TEST_CASE("127.0.0.1 is NXDOMAIN in both forms, whatever the database contains", "[answer][rfc5782]") {
  const auto as_nibbles = GENERATE(false, true);
  const auto type = GENERATE(unsigned{LDNS_RR_TYPE_A}, unsigned{LDNS_RR_TYPE_TXT}, unsigned{LDNS_RR_TYPE_NS});
  const Served served(index_of({listed("127.0.0.0/8")}));
  check_nxdomain(served.ask({.name = name_of(ip("127.0.0.1"), as_nibbles), .type = type}));
}

TEST_CASE("names above the test points always exist", "[answer][rfc8020]") {
  const Served served;
  for (const bool as_nibbles : {false, true}) {
    const auto labels = reversed_labels(ip("127.0.0.2"), as_nibbles);
    for (std::size_t count = 1; count < labels.size(); ++count) {
      CAPTURE(name_of(labels, count));
      check_nodata(served.ask({.name = name_of(labels, count)}));
    }
  }
}

TEST_CASE("a name exists at each depth as soon as anything below it is listed, and not before", "[answer][rfc8020]") {
  const auto address = GENERATE(ip("192.0.2.1"), ip("2001:db8:1:2::"));
  const auto type = GENERATE(unsigned{LDNS_RR_TYPE_A}, unsigned{LDNS_RR_TYPE_NS});
  const Served before;
  const Served after(index_of({listed(address.to_string())}));
  const auto labels = reversed_labels(address);
  for (std::size_t count = 1; count < labels.size(); ++count) {
    const auto name = name_of(labels, count);
    CAPTURE(name);
    check_nodata(after.ask({.name = name, .type = type}));
    CHECK(after.outcome({.name = name, .type = type}) == Outcome::nodata);
    // `2` is above 2001:db8:… and above nothing else here; so it is with all names but those of the zone's own points.
    check_nxdomain(before.ask({.name = name, .type = type}));
  }
  check_nxdomain(before.ask({.name = name_of(address), .type = type}));
}

TEST_CASE("IPv4 listings have no names in nibbles, only the test points do", "[answer][rfc5782]") {
  const Served served(index_of({listed("192.0.2.1"), listed("193.0.0.0/8"), listed("::/8")}));
  check_nxdomain(served.ask({.name = name_of(ip("192.0.2.1"), true)}));
  check_nxdomain(served.ask({.name = name_of(ip("193.0.2.1"), true)}));
  check_nxdomain(served.ask({.name = "x." + name_of(ip("193.0.2.1"), true)}));
  const auto labels = reversed_labels(ip("192.0.2.1"), true);
  for (std::size_t count = 25; count < labels.size(); ++count)
    check_nxdomain(served.ask({.name = name_of(labels, count)}));
  check_nodata(served.ask({.name = name_of(labels, 24)}));  // ::ffff:0:0/96 is above the test points
}

TEST_CASE("no name above a listed one is NXDOMAIN, and nothing exists below an NXDOMAIN", "[answer][rfc8020]") {
  std::mt19937 random(GENERATE(range(1U, 6U)));
  std::vector<Listing> listings;
  std::vector<IpAddress> addresses;
  for (int i = 0; i < 40; ++i) {
    // Small digits, so that names of both families collide.
    const auto octet = [&] { return std::to_string(random() % 10); };
    addresses.push_back(ip(octet() + "." + octet() + "." + octet() + "." + octet()));
    addresses.push_back(ip(octet() + "00" + octet() + ":" + octet() + "::"));
    for (std::size_t j = addresses.size() - 2; j < addresses.size(); ++j) {
      if (random() % 2 == 0) listings.push_back(listed(sender_of(addresses[j]).to_string()));
    }
  }
  const Served served(index_of(listings));
  for (const auto& address : addresses) {
    const auto labels = reversed_labels(address);
    bool gone = false;
    for (std::size_t count = 1; count <= labels.size(); ++count) {
      const auto reply = served.ask({.name = name_of(labels, count)});
      CAPTURE(name_of(labels, count));
      if (gone) REQUIRE(reply.rcode() == kNxDomain);
      gone = reply.rcode() == kNxDomain;
    }
  }
}

TEST_CASE("an exempt network in a listed one doesn't exist", "[answer][rfc8020]") {
  const Served served(index_of({listed("198.18.0.0/16")}, {exempt("198.18.5.0/24")}));
  check_nodata(served.ask({.name = "18.198.bl.example.org"}));
  check_nodata(served.ask({.name = "4.18.198.bl.example.org"}));
  check_nxdomain(served.ask({.name = "5.18.198.bl.example.org"}));
  check_nxdomain(served.ask({.name = "1.5.18.198.bl.example.org"}));
}

TEST_CASE("other types at a listed name are NODATA with the SOA", "[answer]") {
  const auto type = GENERATE(unsigned{LDNS_RR_TYPE_AAAA}, unsigned{LDNS_RR_TYPE_MX}, unsigned{LDNS_RR_TYPE_NS},
                             unsigned{LDNS_RR_TYPE_SOA}, unsigned{LDNS_RR_TYPE_RRSIG}, unsigned{LDNS_RR_TYPE_DNSKEY},
                             unsigned{LDNS_RR_TYPE_PTR}, 65280U);
  CAPTURE(type);
  const Served served(index_of({listed("192.0.2.1")}));
  const auto reply = served.ask({.name = name_of(ip("192.0.2.1")), .type = type});
  check_nodata(reply);
  CHECK(reply.authority() == kSoa);
}

TEST_CASE("the apex has SOA and NS, no A and no TXT", "[answer]") {
  const Served served(index_of({listed("192.0.2.1")}, {}, 4711));
  CHECK(served.ask({.name = "bl.example.org", .type = LDNS_RR_TYPE_SOA}).rdata() ==
        Texts{"ns1.example.org. host\\.master.example.org. 4711 600 120 604800 60"});
  CHECK(served.ask({.name = "bl.example.org", .type = LDNS_RR_TYPE_NS}).rdata() ==
        Texts{"ns1.example.org.", "ns2.example.net."});
  check_nodata(served.ask({.name = "bl.example.org"}));
  check_nodata(served.ask({.name = "bl.example.org", .type = LDNS_RR_TYPE_TXT}));
}

TEST_CASE("ANY gets one RRset", "[answer][rfc8482]") {
  const Served served(index_of({listed("192.0.2.1", CodeSet(Code::dsn) | Code::mdn)}));
  CHECK(served.ask({.name = name_of(ip("192.0.2.1")), .type = LDNS_RR_TYPE_ANY}).rdata() ==
        Texts{"127.0.0.2", "127.0.0.7"});
  CHECK(served.ask({.name = "bl.example.org", .type = LDNS_RR_TYPE_ANY}).answers().size() == 1);
  check_nodata(served.ask({.name = "192.bl.example.org", .type = LDNS_RR_TYPE_ANY}));
}

TEST_CASE("a name that is no address is NXDOMAIN and counted as misuse", "[answer]") {
  const auto name = GENERATE(as<std::string>{}, "www", "002.0.0.127", "256", "2.0.0.127.x", "_.127", "1.2.0.0.127");
  CAPTURE(name);
  const Served served;
  check_nxdomain(served.ask({.name = name + ".bl.example.org"}));
  CHECK(served.outcome({.name = name + ".bl.example.org"}) == Outcome::misuse);
}

TEST_CASE("negative answers may be cached for the smaller of the SOA's TTL and its minimum", "[answer][rfc2308]") {
  auto settings = zone_config();
  settings.ttl = std::chrono::seconds{GENERATE(30, 3600)};
  const Served served({}, settings);
  const auto authority = served.ask({.name = "192.bl.example.org"}).authority();
  REQUIRE(authority.size() == 1);
  CHECK(authority[0].find(settings.ttl.count() == 30 ? "\t30\t" : "\t60\t") != std::string::npos);
}

TEST_CASE("the SOA serial is the low half of the journal's", "[answer][rfc1982]") {
  const Served served(index_of({}, {}, 0x1'0000'0002ULL));
  const auto rdata = served.ask({.name = "bl.example.org", .type = LDNS_RR_TYPE_SOA}).rdata();
  REQUIRE(rdata.size() == 1);
  CHECK(rdata[0].find(" 2 600 ") != std::string::npos);
}

TEST_CASE("a zone with chosen codes lists what has one of them, with these codes only", "[answer]") {
  auto settings = zone_config();
  settings.codes = CodeSet(Code::challenge) | Code::mdn;
  const Served served(index_of({listed("192.0.2.1", CodeSet(Code::dsn) | Code::mdn), listed("192.0.2.2"),
                                listed("198.51.100.1"), listed("93.185.4.0/24", Code::challenge),
                                listed("93.185.4.7", Code::dsn), listed("93.185.5.0/24", Code::dsn)}),
                      settings);
  const auto rdata = [&](const std::string& name) { return served.ask({.name = name + ".bl.example.org"}).rdata(); };
  const auto rcode = [&](const std::string& name) { return served.ask({.name = name + ".bl.example.org"}).rcode(); };
  CHECK(rdata("1.2.0.192") == std::vector<std::string>{"127.0.0.7"});
  CHECK(rcode("2.2.0.192") == kNxDomain);
  // Names exist above what is in this zone only.
  CHECK(rcode("2.0.192") == kNoError);
  CHECK(rcode("100.51.198") == kNxDomain);
  CHECK(rcode("198") == kNxDomain);
  // A listing of other codes doesn't divide a network.
  CHECK(rdata("x.4.185.93") == std::vector<std::string>{"127.0.0.5"});
  CHECK(rdata("7.4.185.93") == std::vector<std::string>{"127.0.0.5"});
  CHECK(rcode("x.5.185.93") == kNxDomain);
  CHECK(served.ask({.name = "7.4.185.93.bl.example.org", .type = LDNS_RR_TYPE_TXT}).rdata().at(0) ==
        "\"Backscatter from 93.185.4.0/24, see https://bl.example.org/93.185.4.0/24\"");
}

TEST_CASE("a zone with chosen codes has their test points, and 127.0.0.2 with the first of them", "[answer][rfc5782]") {
  auto settings = zone_config();
  settings.codes = CodeSet(Code::mdn) | Code::challenge;
  const Served served(index_of({listed("127.0.0.0/8"), listed("127.0.0.4", Code::mdn)}), settings);
  const auto answers = [&](const std::string& address, bool as_nibbles) {
    return served.ask({.name = name_of(ip(address), as_nibbles)}).rdata();
  };
  for (const bool as_nibbles : {false, true}) {
    CHECK(answers("127.0.0.2", as_nibbles) == std::vector<std::string>{"127.0.0.5"});
    CHECK(answers("127.0.0.5", as_nibbles) == std::vector<std::string>{"127.0.0.5"});
    CHECK(answers("127.0.0.7", as_nibbles) == std::vector<std::string>{"127.0.0.7"});
    for (const auto* const none : {"127.0.0.1", "127.0.0.3", "127.0.0.4", "127.0.0.9"})
      CHECK(served.ask({.name = name_of(ip(none), as_nibbles)}).rcode() == kNxDomain);
  }
}

TEST_CASE("names outside the zone are refused", "[answer]") {
  const auto name = GENERATE(as<std::string>{}, "example.org", "", "xbl.example.org", "2.0.0.127.bl.example.com",
                             "bl.example.org.example.net", "org");
  CAPTURE(name);
  const Served served;
  const auto reply = served.ask({.name = name, .edns = true});
  CHECK(reply.rcode() == kRefused);
  CHECK(reply.ede() == 20);
  CHECK_FALSE(reply.aa());
  CHECK(reply.authority().empty());
}

TEST_CASE("without an index the zone is SERVFAIL with Not Ready, never a verdict", "[answer]") {
  Served served;
  served.view.index = nullptr;
  const auto name = GENERATE(as<std::string>{}, "2.0.0.127.bl.example.org", "bl.example.org", "www.bl.example.org");
  const auto reply = served.ask({.name = name, .edns = true});
  CHECK(reply.rcode() == kServFail);
  CHECK(reply.ede() == 14);
  CHECK_FALSE(reply.aa());
  CHECK(served.ask({.name = "example.com", .edns = true}).rcode() == kRefused);
}

TEST_CASE("a stale list fails open: nobody is listed but the test points, and the reply says why", "[answer]") {
  Served served(index_of({listed("192.0.2.1")}));
  served.view.stale = true;
  const auto reply = served.ask({.name = name_of(ip("192.0.2.1")), .edns = true});
  check_nxdomain(reply);
  CHECK(reply.ede() == 3);
  check_nxdomain(served.ask({.name = "192.bl.example.org"}));
  CHECK(served.ask({.name = name_of(ip("127.0.0.2"))}).rdata() == Texts{"127.0.0.2"});
}

TEST_CASE("a name server in the zone has the addresses of the config, and no other types", "[answer]") {
  auto settings = zone_config();
  settings.nameservers = {"ns1.bl.example.org", "a.ns.bl.example.org", "ns.example.net"};
  settings.nameserver_addresses = {{"ns1.bl.example.org", ip("192.0.2.53")},
                                   {"ns1.bl.example.org", ip("192.0.2.54")},
                                   {"ns1.bl.example.org", ip("2001:db8::53")},
                                   {"a.ns.bl.example.org", ip("2001:db8::54")}};
  const Served served(index_of({listed("192.0.2.1")}), settings);
  const auto a = served.ask({.name = "ns1.bl.example.org"});
  CHECK(a.answers() ==
        Texts{"ns1.bl.example.org.\t3600\tIN\tA\t192.0.2.53", "ns1.bl.example.org.\t3600\tIN\tA\t192.0.2.54"});
  CHECK(a.aa());
  CHECK(a.authority().empty());
  CHECK(served.ask({.name = "NS1.bl.Example.org", .type = LDNS_RR_TYPE_AAAA}).rdata() == Texts{"2001:db8::53"});
  CHECK(served.ask({.name = "ns1.bl.example.org", .type = LDNS_RR_TYPE_ANY}).rdata() ==
        Texts{"192.0.2.53", "192.0.2.54"});
  CHECK(served.ask({.name = "a.ns.bl.example.org", .type = LDNS_RR_TYPE_ANY}).rdata() == Texts{"2001:db8::54"});
  check_nodata(served.ask({.name = "ns1.bl.example.org", .type = LDNS_RR_TYPE_TXT}));
  check_nodata(served.ask({.name = "a.ns.bl.example.org"}));
  // A name above one of ours exists (RFC 8020), what is below or beside one doesn't.
  check_nodata(served.ask({.name = "ns.bl.example.org"}));
  check_nxdomain(served.ask({.name = "x.ns1.bl.example.org"}));
  check_nxdomain(served.ask({.name = "s1.bl.example.org"}));
  check_nxdomain(served.ask({.name = "xns1.bl.example.org"}));
  check_nxdomain(served.ask({.name = "b.ns.bl.example.org"}));
  // A listed host that asks for itself by a wrong name is told nothing new.
  CHECK(served.ask({.name = name_of(ip("192.0.2.1"))}).rdata() == Texts{"127.0.0.2"});
  CHECK(served.ask({.name = "bl.example.org"}).rdata().empty());
}

TEST_CASE("another host in the zone has the addresses of the config, and no other types", "[answer]") {
  auto settings = zone_config();
  settings.nameservers = {"ns1.www.bl.example.org"};
  settings.nameserver_addresses = {{"ns1.www.bl.example.org", ip("192.0.2.53")}};
  settings.hosts = {{"www.bl.example.org", ip("192.0.2.80")},
                    {"w3.bl.example.org", ip("192.0.2.82")},
                    {"www.bl.example.org", ip("2001:db8::80")},
                    {"www.bl.example.org", ip("192.0.2.81")}};
  const Served served(index_of({listed("192.0.2.1")}), settings);
  const auto a = served.ask({.name = "www.bl.example.org"});
  CHECK(a.answers() ==
        Texts{"www.bl.example.org.\t3600\tIN\tA\t192.0.2.80", "www.bl.example.org.\t3600\tIN\tA\t192.0.2.81"});
  CHECK(a.aa());
  CHECK(served.ask({.name = "WWW.bl.Example.org", .type = LDNS_RR_TYPE_AAAA}).rdata() == Texts{"2001:db8::80"});
  CHECK(served.ask({.name = "w3.bl.example.org"}).rdata() == Texts{"192.0.2.82"});
  CHECK(served.ask({.name = "ns1.www.bl.example.org"}).rdata() == Texts{"192.0.2.53"});
  check_nodata(served.ask({.name = "w3.bl.example.org", .type = LDNS_RR_TYPE_AAAA}));
  check_nodata(served.ask({.name = "www.bl.example.org", .type = LDNS_RR_TYPE_TXT}));
  check_nodata(served.ask({.name = "www.bl.example.org", .type = LDNS_RR_TYPE_CNAME}));
  check_nxdomain(served.ask({.name = "x.www.bl.example.org"}));
  check_nxdomain(served.ask({.name = "1.2.0.192.www.bl.example.org"}));
  check_nxdomain(served.ask({.name = "ww.bl.example.org"}));
  CHECK(served.ask({.name = name_of(ip("192.0.2.1"))}).rdata() == Texts{"127.0.0.2"});
}

TEST_CASE("a name whose octets end a name server's label, but not at a label's beginning, doesn't exist", "[answer]") {
  // '0' is 48: within the longer label it looks like the length octet of the shorter one.
  const std::string label(48, 'x');
  auto settings = zone_config();
  settings.nameservers = {"ns0" + label + ".bl.example.org"};
  settings.nameserver_addresses = {{settings.nameservers[0], ip("192.0.2.53")}};
  const Served served({}, settings);
  CHECK(served.ask({.name = settings.nameservers[0]}).rdata() == Texts{"192.0.2.53"});
  check_nxdomain(served.ask({.name = label + ".bl.example.org"}));
}
