// The files with the secrets of keys: what they have to contain, and who may read them.
#include "catch.h"
#include "config/config.h"
#include "folder.h"

#include <filesystem>
#include <fstream>
#include <string>

namespace blowback::config {
namespace {

namespace fs = std::filesystem;

/// What reading a file with that content and mode results in: the secret, or the error.
std::expected<std::vector<std::uint8_t>, std::string> secret_of(const std::string& content,
                                                                fs::perms mode = fs::perms::owner_read |
                                                                                 fs::perms::group_read) {
  const test::Folder folder;
  const auto file = folder.path() / "key";
  std::ofstream(file) << content;
  fs::permissions(file, mode);
  Transfer transfer;
  transfer.keys.push_back({.name = "k.example", .secret_file = file.string(), .secret = {}});
  if (const auto read = read_secrets(transfer); !read) {
    CHECK(read.error().text.starts_with("transfer.key \"k.example\": " + file.string() + " "));
    return std::unexpected(read.error().text);
  }
  return transfer.keys.front().secret;
}

/// The error of what has one.
std::string error_of(const auto& result) {
  REQUIRE_FALSE(result.has_value());
  if constexpr (requires { result.error().text; }) {
    return result.error().text;
  } else {
    return result.error();
  }
}

bool says(const std::string& error, const std::string& what) { return error.find(what) != std::string::npos; }

const std::string kSecret = "MDEyMzQ1Njc4OWFiY2RlZg==";  // 0123456789abcdef

}  // namespace

TEST_CASE("a secret is read from base64, with or without a line end", "[config][tsig]") {
  const std::string plain = "0123456789abcdef";
  const std::vector<std::uint8_t> octets(plain.begin(), plain.end());
  CHECK(secret_of(kSecret) == octets);
  CHECK(secret_of(" " + kSecret + "\r\n\n") == octets);
  // As `openssl base64` breaks lines.
  CHECK(secret_of("MDEyMzQ1\nNjc4OWFiY2RlZg==\n") == octets);
  CHECK(secret_of("/+8A/+8A/+8A/+8A/+8A/+8A").value().front() == 0xff);
  CHECK(secret_of("MDEyMzQ1Njc4OWFiY2RlZmc=").value().size() == 17);
  CHECK(secret_of("MDEyMzQ1Njc4OWFiY2RlZmdo").value().size() == 18);
}

TEST_CASE("what isn't base64, or too short or too long, is no secret", "[config][tsig]") {
  for (const std::string content : {"", "\n", "secret", "MDEyMzQ1Njc4OWFiY2RlZg=", "MDEyMzQ1=jc4OWFiY2RlZg==", "===="})
    CHECK(says(error_of(secret_of(content)), content == "====" ? "base64" : "no secret in base64"));
  CHECK(says(error_of(secret_of("MDEyMzQ1Njc4OWFiY2Rl")), "15 octets"));
  CHECK(says(error_of(secret_of(std::string(1024, 'A'))), "768 octets"));
  CHECK(says(error_of(secret_of(std::string(5000, 'A'))), "base64"));
}

TEST_CASE("a secret that others can read or write is refused, and so is what is no file", "[config][tsig]") {
  for (const auto mode : {fs::perms::others_read, fs::perms::others_write, fs::perms::others_exec})
    CHECK(says(error_of(secret_of(kSecret, fs::perms::owner_read | mode)), "chmod o= "));
  const test::Folder folder;
  Transfer transfer;
  transfer.keys.push_back({.name = "k", .secret_file = folder.path().string(), .secret = {}});
  CHECK(says(error_of(read_secrets(transfer)), "no file"));
  transfer.keys.front().secret_file += "/absent";
  CHECK(says(error_of(read_secrets(transfer)), "can't be read: No such file"));
  transfer.keys.clear();
  CHECK(read_secrets(transfer));

  transfer.tls.key = folder.file("tls.key");
  CHECK(says(error_of(read_secrets(transfer)), "transfer.tls_key: " + transfer.tls.key + " can't be read"));
  std::ofstream(transfer.tls.key) << "key";
  fs::permissions(transfer.tls.key, fs::perms::owner_read | fs::perms::others_read);
  CHECK(says(error_of(read_secrets(transfer)), "chmod o= "));
  fs::permissions(transfer.tls.key, fs::perms::owner_read | fs::perms::group_read);
  CHECK(read_secrets(transfer));
}

}  // namespace blowback::config
