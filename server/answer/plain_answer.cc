// ldns builds header, question and records, and compresses the names; the OPT of edns.cc is appended.
#include "plain_answer.h"

#include "blowback/soa_times.h"
#include "ldns_wire.h"

#include <algorithm>
#include <new>
#include <string_view>

namespace blowback::answer {
namespace {

/// ldns returns nullptr only if there is no memory.
template <typename T>
T* made(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

[[nodiscard]] ldns_rdf* field(ldns_rdf_type type, Wire octets) {
  return made(ldns_rdf_new_frm_data(type, octets.size(), octets.data()));
}

[[nodiscard]] ldns_rdf* number(std::uint32_t value) { return made(ldns_native2rdf_int32(LDNS_RDF_TYPE_INT32, value)); }

class Builder {
 public:
  Builder(const Query& query, const Decision& decision, const ServedZone& zone)
      : query_(query), decision_(decision), zone_(zone), packet_(made(ldns_pkt_new())) {
    ldns_pkt_set_id(packet_.get(), query.id);
    ldns_pkt_set_qr(packet_.get(), true);
    ldns_pkt_set_opcode(packet_.get(), static_cast<ldns_pkt_opcode>(query.opcode));
    ldns_pkt_set_aa(packet_.get(), decision.authoritative);
    ldns_pkt_set_rd(packet_.get(), query.recursion_desired);
    ldns_pkt_set_cd(packet_.get(), query.checking_disabled);
    ldns_pkt_set_rcode(packet_.get(), static_cast<std::uint8_t>(static_cast<unsigned>(decision.rcode) & 0xfU));
    if (query.question) add_question(*query.question);
  }

  void truncate() { ldns_pkt_set_tc(packet_.get(), true); }

  void add_records() {
    switch (decision_.answer) {
      case Decision::RrSet::none:
        break;
      case Decision::RrSet::a:
        for (const auto code : kAllCodes) {
          if (!decision_.codes.has(code)) continue;
          const std::array<std::uint8_t, 4> octets{127, 0, 0, octet_of(code)};
          auto record = at_question(LDNS_RR_TYPE_A, zone_.ttl);
          push(*record, field(LDNS_RDF_TYPE_A, octets));
          add(LDNS_SECTION_ANSWER, std::move(record));
        }
        break;
      case Decision::RrSet::txt: {
        const auto text = zone_.txt_for(decision_.subject);
        std::vector<std::uint8_t> string{static_cast<std::uint8_t>(text.size())};
        string.insert(string.end(), text.begin(), text.end());
        auto record = at_question(LDNS_RR_TYPE_TXT, zone_.ttl);
        push(*record, field(LDNS_RDF_TYPE_STR, string));
        add(LDNS_SECTION_ANSWER, std::move(record));
        break;
      }
      case Decision::RrSet::soa:
        add(LDNS_SECTION_ANSWER, soa(zone_.ttl));
        break;
      case Decision::RrSet::ns:
        for (const auto& nameserver : zone_.nameservers) {
          auto record = at_question(LDNS_RR_TYPE_NS, kNameserverTtl);
          push(*record, field(LDNS_RDF_TYPE_DNAME, nameserver));
          add(LDNS_SECTION_ANSWER, std::move(record));
        }
        break;
      case Decision::RrSet::host_a:
      case Decision::RrSet::host_aaaa:
        add_host(*decision_.host, decision_.answer == Decision::RrSet::host_a ? Family::ipv4 : Family::ipv6);
        break;
    }
    // RFC 2308 §3: a negative answer is cached for the smaller of the SOA's TTL and its minimum.
    if (decision_.negative) add(LDNS_SECTION_AUTHORITY, soa(std::min(zone_.ttl, zone_.negative_ttl)));
  }

  [[nodiscard]] std::vector<std::uint8_t> wire() const {
    std::uint8_t* octets = nullptr;
    std::size_t size = 0;
    if (ldns_pkt2wire(&octets, packet_.get(), &size) != LDNS_STATUS_OK) throw std::bad_alloc();
    const Octets owned(octets);
    return {octets, octets + size};
  }

 private:
  void add_host(const ZoneHost& host, Family family) {
    const bool is_v4 = family == Family::ipv4;
    for (const auto& address : host.addresses) {
      if (address.family() != family) continue;
      auto record = at_question(is_v4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA, kNameserverTtl);
      const auto octets = Wire(address.octets()).last(is_v4 ? 4 : 16);
      push(*record, field(is_v4 ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA, octets));
      add(LDNS_SECTION_ANSWER, std::move(record));
    }
  }

  void add_question(const Question& question) {
    Record record(made(ldns_rr_new()));
    ldns_rr_set_question(record.get(), true);
    ldns_rr_set_owner(record.get(), field(LDNS_RDF_TYPE_DNAME, question.qname));
    ldns_rr_set_type(record.get(), static_cast<ldns_rr_type>(question.type));
    ldns_rr_set_class(record.get(), static_cast<ldns_rr_class>(question.klass));
    add(LDNS_SECTION_QUESTION, std::move(record));
  }

  [[nodiscard]] static Record record_of(ldns_rr_type type, std::uint32_t ttl, Wire owner) {
    Record record(made(ldns_rr_new()));
    ldns_rr_set_owner(record.get(), field(LDNS_RDF_TYPE_DNAME, owner));
    ldns_rr_set_type(record.get(), type);
    ldns_rr_set_class(record.get(), LDNS_RR_CLASS_IN);
    ldns_rr_set_ttl(record.get(), ttl);
    return record;
  }

  [[nodiscard]] Record at_question(ldns_rr_type type, std::uint32_t ttl) const {
    return record_of(type, ttl, query_.question->qname);
  }

  [[nodiscard]] Record soa(std::uint32_t ttl) const {
    auto record = record_of(LDNS_RR_TYPE_SOA, ttl, zone_.apex);
    push(*record, field(LDNS_RDF_TYPE_DNAME, zone_.nameservers.front()));
    push(*record, field(LDNS_RDF_TYPE_DNAME, zone_.hostmaster));
    for (const auto value : {decision_.serial, kSoaRefresh, kSoaRetry, kSoaExpire, zone_.negative_ttl})
      push(*record, number(value));
    return record;
  }

  static void push(ldns_rr& record, ldns_rdf* owned) {
    if (!ldns_rr_push_rdf(&record, owned)) throw std::bad_alloc();
  }

  void add(ldns_pkt_section section, Record record) {
    if (!ldns_pkt_push_rr(packet_.get(), section, record.get())) throw std::bad_alloc();
    [[maybe_unused]] auto* const owned_by_packet = record.release();
  }

  const Query& query_;
  const Decision& decision_;
  const ServedZone& zone_;
  Packet packet_;
};

/// Appends the OPT, which ldns doesn't know of, and counts it in the header.
void append_opt(std::vector<std::uint8_t>& reply, Wire opt) {
  if (opt.empty()) return;
  reply.insert(reply.end(), opt.begin(), opt.end());
  reply[11] = 1;  // ARCOUNT, low octet
}

}  // namespace

Built plain_answer(const Query& query, const Decision& decision, const ServedZone& zone, Wire opt, std::size_t limit) {
  Builder builder(query, decision, zone);
  builder.add_records();
  Built built{.octets = builder.wire(), .truncated = false};
  if (built.octets.size() + opt.size() > limit) {
    Builder shortened(query, decision, zone);
    shortened.truncate();
    built = {.octets = shortened.wire(), .truncated = true};
  }
  append_opt(built.octets, opt);
  return built;
}

}  // namespace blowback::answer
