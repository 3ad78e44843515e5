// What an answer costs without the kernel: nanoseconds a query by the spliced and by the plain way, on one core.
//
//   answer_speed [--entries N] [--ips FILE]
//
// N random IPv4 addresses (1,000,000) are listed, or those of a file; 30 % of the questions are for listed ones.
#include "answer/answer.h"
#include "zone/listing_index.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace blowback;

namespace {

constexpr UnixTime kNow{std::chrono::seconds{1'795'514'400}};

std::vector<std::uint8_t> question(std::uint32_t address, const answer::ServedZone& zone, std::uint8_t type,
                                   bool edns) {
  std::vector<std::uint8_t> bytes{0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(edns ? 1 : 0)};
  for (unsigned i = 0; i < 4; ++i) {
    const auto label = std::to_string(address >> (8 * i) & 0xffU);
    bytes.push_back(static_cast<std::uint8_t>(label.size()));
    bytes.insert(bytes.end(), label.begin(), label.end());
  }
  bytes.insert(bytes.end(), zone.apex.begin(), zone.apex.end());
  for (const std::uint8_t octet : {std::uint8_t{0}, type, std::uint8_t{0}, std::uint8_t{1}}) bytes.push_back(octet);
  if (edns) {
    constexpr std::array<std::uint8_t, 11> kOpt{0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 0};
    bytes.insert(bytes.end(), kOpt.begin(), kOpt.end());
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t entries = 1'000'000;
  std::string file;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--entries") entries = std::stoul(argv[i + 1]);
    if (option == "--ips") file = argv[i + 1];
  }
  std::mt19937 random(1);
  std::vector<std::uint32_t> addresses;
  if (file.empty()) {
    for (std::size_t i = 0; i < entries; ++i) addresses.push_back(static_cast<std::uint32_t>(random()));
  } else {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
      if (const auto address = IpAddress::parse(line); address && address->family() == Family::ipv4)
        addresses.push_back(address->v4());
    }
  }
  std::ranges::sort(addresses);
  zone::View view;
  {
    zone::ListingIndex::Builder builder(kNow);
    Listing listing;
    listing.codes = Code::dsn;
    for (const auto address : addresses) {
      listing.prefix = Prefix::of(IpAddress::from_v4(address));
      builder.add(listing);
    }
    view.index = std::make_shared<const zone::ListingIndex>(builder.finish(1));
  }
  config::Zone settings;
  settings.name = "bl.example.org";
  settings.nameservers = {"ns1.example.org"};
  settings.hostmaster = "hostmaster@example.org";
  settings.txt = "https://bl.example.org/{ip}";
  const auto zone = answer::ServedZone::of(settings, {}, {}).value();
  std::printf("%zu addresses listed, %s\n", addresses.size(), file.empty() ? "random" : file.c_str());

  const auto client = IpAddress::from_v4(0x7f000001U);
  std::vector<std::uint8_t> reply(answer::kLongestTcpReply);
  const auto measure = [&](const char* what, std::uint8_t type, bool edns, std::size_t count, auto answer) {
    std::vector<std::vector<std::uint8_t>> questions;
    for (std::size_t i = 0; i < count; ++i) {
      const auto address = i % 10 < 3 ? addresses[random() % addresses.size()] : static_cast<std::uint32_t>(random());
      questions.push_back(question(address, zone, type, edns));
    }
    std::size_t octets = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const auto& asked : questions)
      octets += answer(answer::Asked{asked, client, answer::Transport::udp}, zone, view, answer::Moment{kNow, {}},
                       nullptr, reply)
                    .size;
    const auto nanoseconds = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
    std::printf("%-22s %6.0f ns a query, %.1f octets\n", what, nanoseconds / static_cast<double>(count),
                static_cast<double>(octets) / static_cast<double>(count));
  };
  constexpr std::uint8_t kA = 1;
  constexpr std::uint8_t kTxt = 16;
  measure("A, spliced", kA, false, 1'000'000, answer::answer);
  measure("A with EDNS, spliced", kA, true, 1'000'000, answer::answer);
  measure("TXT, spliced", kTxt, false, 1'000'000, answer::answer);
  measure("A, plain", kA, false, 100'000, answer::answer_plainly);
  return 0;
}
