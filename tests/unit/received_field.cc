// The forms of Received: that real servers write, and what is parsed from each.
#include "catch.h"
#include "mail/received_chain.h"

#include <string>

namespace blowback::mail {
namespace {

struct Line {
  std::string value;
  std::string client;  ///< "-" none, "handover"
  std::string helo;
  std::string by;
  std::string with;
  std::string id;
};

std::string seen(const ReceivedHop& hop) {
  if (hop.client) return hop.client->to_string();
  return hop.local_handover ? "handover" : "-";
}

const char* const kDate = "; Tue, 24 Nov 2026 10:00:00 +0000";

void check(const Line& line) {
  CAPTURE(line.value);
  const auto hop = parse_received(line.value);
  if (!hop) FAIL(hop.error().text);
  CHECK(seen(*hop) == line.client);
  CHECK(hop->helo == line.helo);
  CHECK(hop->by == line.by);
  CHECK(hop->with == line.with);
  CHECK(hop->id == line.id);
}

TEST_CASE("Postfix's lines are read", "[received]") {
  const std::string date = kDate;
  check(GENERATE_COPY(values<Line>({
      {"from mx.example.com (mail.example.com [198.51.100.7]) by mx.example.net (Postfix) with ESMTP id 4XyZ12abcz" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "4XyZ12abcz"},
      {"from mx.example.com (mail.example.com [IPv6:2001:db8::1])\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
       "(256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\t(No client "
       "certificate requested)\tby mx.example.net (Postfix) with ESMTPS id 4XyZ12\tfor <a@trap.example.net>" +
           date,
       "2001:db8::1", "mx.example.com", "mx.example.net", "ESMTPS", "4XyZ12"},
      {"from [192.0.2.9] (unknown [198.51.100.7]) by mx.example.net (Postfix) with ESMTP id Q1" + date, "198.51.100.7",
       "[192.0.2.9]", "mx.example.net", "ESMTP", "Q1"},
      {"from 192.0.2.9 (unknown [198.51.100.7]) by mx.example.net (Postfix) with SMTP id Q2" + date, "198.51.100.7",
       "192.0.2.9", "mx.example.net", "SMTP", "Q2"},
      {"from laptop (unknown [198.51.100.7]) (Authenticated sender: EXAMPLE\\user) by mx.example.net (Postfix) with "
       "ESMTPSA "
       "id Q3" +
           date,
       "198.51.100.7", "laptop", "mx.example.net", "ESMTPSA", "Q3"},
      {"from mx.example.com (mail.example.com [198.51.100.7]) (Client CN \"mail.example.com\", Issuer \"Example CA\" "
       "(verified OK)) by mx.example.net (Postfix) with ESMTPS id Q4" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTPS", "Q4"},
      {"from localhost (localhost [127.0.0.1]) by mx.example.net (Postfix) with ESMTP id Q5" + date, "127.0.0.1",
       "localhost", "mx.example.net", "ESMTP", "Q5"},
      {"from localhost (localhost [IPv6:::1]) by mx.example.net (Postfix) with ESMTP id Q6" + date, "::1", "localhost",
       "mx.example.net", "ESMTP", "Q6"},
      {"by mx.example.net (Postfix, from userid 0) id Q7" + date, "handover", "", "mx.example.net", "", "Q7"},
      {"by mx.example.net (Postfix) id Q8" + date, "handover", "", "mx.example.net", "", "Q8"},
      {"from mx.example.net ([127.0.0.1]) by localhost (mx.example.net [127.0.0.1]) (amavisd-new, port 10024) with "
       "ESMTP id "
       "aB-3 for <a@trap.example.net>" +
           date,
       "127.0.0.1", "mx.example.net", "localhost", "ESMTP", "aB-3"},
  })));
}

TEST_CASE("Exim's lines are read", "[received]") {
  const std::string date = kDate;
  check(GENERATE_COPY(values<Line>({
      {"from [198.51.100.7] (helo=mx.example.com) by mx.example.net with esmtp (Exim 4.96) (envelope-from <>) id "
       "1tAbCd-000123-4E for a@trap.example.net" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "1tAbCd-000123-4E"},
      {"from mail.example.com ([198.51.100.7] helo=mx.example.com) by mx.example.net with esmtps (TLS1.3) tls "
       "TLS_AES_256_GCM_SHA384 (Exim 4.96) id 1tAbCd-000123-4F" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTPS", "1tAbCd-000123-4F"},
      {"from mail.example.com ([198.51.100.7]) by mx.example.net with smtp (Exim 3.35 #1 (Debian)) id "
       "17adLZ-0002Mk-00" +
           date,
       "198.51.100.7", "mail.example.com", "mx.example.net", "SMTP", "17adLZ-0002Mk-00"},
      {"from mail.example.com ([198.51.100.7]:41234 helo=mx.example.com ident=mail) by mx.example.net with esmtp (Exim "
       "4.96) "
       "id E4" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "E4"},
      {"from [198.51.100.7] (port=41234 helo=[192.0.2.9]) by mx.example.net with esmtp (Exim 4.69) id E5" + date,
       "198.51.100.7", "[192.0.2.9]", "mx.example.net", "ESMTP", "E5"},
      {"from [198.51.100.7]:41234 (helo=192.0.2.9) by mx.example.net with esmtp (Exim 4.96) id E6" + date,
       "198.51.100.7", "192.0.2.9", "mx.example.net", "ESMTP", "E6"},
      {"from [198.51.100.7] (port=51580 helo=[192.0.2.9]) by mx.example.net with esmtpa (envelope-from <>) id "
       "1XsaNd-0006Vx-TV" +
           date,
       "198.51.100.7", "[192.0.2.9]", "mx.example.net", "ESMTPA", "1XsaNd-0006Vx-TV"},
      {"from [198.51.100.7] (helo=[192.0.2.9]) by mx.example.net with esmtp id 1tAbCd-00000000abc-1234" + date,
       "198.51.100.7", "[192.0.2.9]", "mx.example.net", "ESMTP", "1tAbCd-00000000abc-1234"},
      {"from [198.51.100.7] by mx.example.net with esmtp (Exim 4.96) id E7" + date, "198.51.100.7", "[198.51.100.7]",
       "mx.example.net", "ESMTP", "E7"},
      {"from [2001:db8::7] (helo=mx.example.com) by mx.example.net with esmtp (Exim 4.96) id E8" + date, "2001:db8::7",
       "mx.example.com", "mx.example.net", "ESMTP", "E8"},
      {"from www-data by mx.example.net with local (Exim 4.96) (envelope-from <www-data@mx.example.net>) id E9" + date,
       "handover", "www-data", "mx.example.net", "LOCAL", "E9"},
  })));
}

TEST_CASE("Sendmail's lines are read", "[received]") {
  const std::string date = kDate;
  check(GENERATE_COPY(values<Line>({
      {"from mx.example.com (mail.example.com [198.51.100.7]) by mx.example.net (8.17.1/8.17.1) with ESMTP id 4AOA0" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "4AOA0"},
      {"from mx.example.com (mail.example.com [198.51.100.7] (may be forged)) by mx.example.net (8.14.4/8.14.4) with "
       "ESMTP id "
       "S2 (version=TLSv1/SSLv3 cipher=DHE-RSA-AES256-SHA bits=256 verify=NO) for <a@trap.example.net>" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "S2"},
      {"from mx.example.com ([198.51.100.7]) by mx.example.net (8.11.6/8.11.6) with SMTP id S3" + date, "198.51.100.7",
       "mx.example.com", "mx.example.net", "SMTP", "S3"},
      {"from mx.example.com (IDENT:squid@mail.example.com [198.51.100.7]) by mx.example.net (8.11.2/8.11.2) with SMTP "
       "id S4" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "SMTP", "S4"},
      {"from mx.example.com (IDENT:root@[198.51.100.7]) by mx.example.net (8.11.2/8.11.2) with SMTP id S5" + date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "SMTP", "S5"},
      {"from localhost (localhost) by mx.example.net (8.14.4/8.14.4) id S6" + date, "handover", "localhost",
       "mx.example.net", "", "S6"},
      {"(from daemon@localhost) by mx.example.net (8.14.4/8.14.4/Submit) id S7" + date, "handover", "",
       "mx.example.net", "", "S7"},
      {"(from mail.example.com [198.51.100.7]) by mx.example.net (8.14.4/8.14.4) with SMTP id S8" + date,
       "198.51.100.7", "", "mx.example.net", "SMTP", "S8"},
      {"from mx.example.com (mail.example.com [IPv6:2001:db8:1:2:3:4:5:6]) by mx.example.net (8.15.2/8.15.2) with "
       "ESMTP id S9" +
           date,
       "2001:db8:1:2:3:4:5:6", "mx.example.com", "mx.example.net", "ESMTP", "S9"},
  })));
}

TEST_CASE("qmail's lines are read", "[received]") {
  const std::string date = "; 24 Nov 2026 10:00:00 -0000";
  check(GENERATE_COPY(values<Line>({
      {"(qmail 11081 invoked from network)" + date, "handover", "", "", "", ""},
      {"(qmail 11081 invoked by uid 89)" + date, "handover", "", "", "", ""},
      {"(qmail 11081 invoked by alias)" + date, "handover", "", "", "", ""},
      {"(qmail 11081 invoked for bounce)" + date, "handover", "", "", "", ""},
      {"from unknown (HELO mx.example.com) (198.51.100.7) by mx.example.net with SMTP" + date, "198.51.100.7",
       "mx.example.com", "mx.example.net", "SMTP", ""},
      {"from mail.example.com (198.51.100.7) by 0 with SMTP" + date, "198.51.100.7", "mail.example.com", "0", "SMTP",
       ""},
      {"from mail.example.com (HELO mx.example.com) (mail@198.51.100.7) by mx.example.net with ESMTP" + date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", ""},
      {"from mail.example.com (HELO mx.example.com) (a@b@198.51.100.7) by mx.example.net with "
       "(DHE-RSA-AES256-SHA encrypted) SMTP" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "SMTP", ""},
      {"from unknown (HELO ?192.0.2.9?) (198.51.100.7) by mx.example.net with SMTP" + date, "198.51.100.7",
       "?192.0.2.9?", "mx.example.net", "SMTP", ""},
      {"from unknown (HELO mx.example.com) (2001:db8::7) by mx.example.net with ESMTP" + date, "2001:db8::7",
       "mx.example.com", "mx.example.net", "ESMTP", ""},
      {"from localhost (HELO mx.example.com) (?2fF9ssrzq?@[127.0.0.1]) (envelope-sender <a@example.com>) by localhost "
       "(qmail-ldap-1.03) with SMTP for <b@example.org>" +
           date,
       "127.0.0.1", "mx.example.com", "localhost", "SMTP", ""},
  })));
}

TEST_CASE("the lines of other servers are read", "[received]") {
  const std::string date = kDate;
  check(GENERATE_COPY(values<Line>({
      // OpenSMTPD
      {"from mx.example.com (mail.example.com [198.51.100.7]) by mx.example.net (OpenSMTPD) with ESMTPS id 5e1f3c2a "
       "(TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO) for <a@trap.example.net>" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTPS", "5e1f3c2a"},
      {"from mx.example.com (<unknown> [198.51.100.7]) by mx.example.net (OpenSMTPD) with ESMTP id 5e1f" + date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "5e1f"},
      {"from localhost (mx.example.net [local]) by mx.example.net (OpenSMTPD) with ESMTPA id 6e1f" + date, "handover",
       "localhost", "mx.example.net", "ESMTPA", "6e1f"},
      {"from localhost (localhost [local]);\tby localhost (OpenSMTPD) with ESMTPA id 1e2a;\tfor <a@example.net>" + date,
       "handover", "localhost", "localhost", "ESMTPA", "1e2a"},
      // Exchange
      {"from ex1.example.com (198.51.100.7) by ex2.example.net (203.0.113.5) with Microsoft SMTP Server "
       "(version=TLS1_2, "
       "cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.1.2507.6" +
           date,
       "198.51.100.7", "ex1.example.com", "ex2.example.net", "MICROSOFT SMTP SERVER", "15.1.2507.6"},
      {"from ex1.example.com (2001:db8:10a6:208::12) by ex2.example.net (2001:db8:10a6:44::7) with Microsoft SMTP "
       "Server "
       "(version=TLS1_2, cipher=X) id 15.20.8158.19 via Frontend Transport" +
           date,
       "2001:db8:10a6:208::12", "ex1.example.com", "ex2.example.net", "MICROSOFT SMTP SERVER", "15.20.8158.19"},
      {"from [192.0.2.9] (198.51.100.7) by ex2.example.net (203.0.113.5) with Microsoft SMTP Server (TLS) id "
       "8.1.340.1" +
           date,
       "198.51.100.7", "[192.0.2.9]", "ex2.example.net", "MICROSOFT SMTP SERVER", "8.1.340.1"},
      {"from ex1.example.com ([fe80::1c2d:3e4f%12]) by ex1.example.com ([fe80::aaaa%12]) with mapi id 14.03.0123.003" +
           date,
       "fe80::1c2d:3e4f", "ex1.example.com", "ex1.example.com", "MAPI", "14.03.0123.003"},
      {"from ex1.example.com ([10.1.1.1]) by ex1.example.com ([10.1.1.2])  with mapi" + date, "10.1.1.1",
       "ex1.example.com", "ex1.example.com", "MAPI", ""},
      {"from mail pickup service by ex1.example.com with Microsoft SMTPSVC" + date, "handover", "mail",
       "ex1.example.com", "MICROSOFT SMTPSVC", ""},
      {"from mx.example.com ([198.51.100.7]) by ex1.example.com with Microsoft SMTPSVC(6.0.3790.4675)" + date,
       "198.51.100.7", "mx.example.com", "ex1.example.com", "MICROSOFT SMTPSVC", ""},
      // Haraka
      {"from mx.example.com (mail.example.com [198.51.100.7]) by mx.example.net (Haraka/2.8.28) with ESMTPS id 1A-2B.1 "
       "envelope-from <> (cipher=TLS_AES_256_GCM_SHA384)" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTPS", "1A-2B.1"},
      // Courier
      {"from mx.example.com (mail.example.com [::ffff:198.51.100.7]) (TLS: TLSv1/SSLv3,256bits,DHE-RSA-AES256-SHA) by "
       "mx.example.net with esmtp" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", ""},
      {"from mx.example.com (IDENT: mail, mail.example.com [::ffff:198.51.100.7]) by mx.example.net with ESMTP" + date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", ""},
      {"from localhost (localhost [127.0.0.1]) (uid 1000) by mx.example.net with local" + date, "127.0.0.1",
       "localhost", "mx.example.net", "LOCAL", ""},
      // Gmail
      {"from mail-ed1.example.com (mail-ed1.example.com. [198.51.100.7]) by mx.google.com with SMTPS id a640-5cf sor12 "
       "for "
       "<a@trap.example.net> (Google Transport Security)" +
           date,
       "198.51.100.7", "mail-ed1.example.com", "mx.google.com", "SMTPS", "a640-5cf"},
      {"by 2002:a05:6402:1:b0:5cf:abcd:12 with SMTP id x1csp1" + date, "handover", "", "2002:a05:6402:1:b0:5cf:abcd:12",
       "SMTP", "x1csp1"},
      {"by mail-ed1.example.com with SMTP id x2" + date, "-", "", "mail-ed1.example.com", "SMTP", "x2"},
      // Delivery by LMTP, and mailboxes fetched from elsewhere
      {"from mx.example.net by store.example.net with LMTP id 8FqUC (envelope-from <>) for <a@trap.example.net>" + date,
       "handover", "mx.example.net", "store.example.net", "LMTP", "8FqUC"},
      {"from mx.example.net ([10.0.0.5]) by store.example.net with LMTP id 8FqUD" + date, "10.0.0.5", "mx.example.net",
       "store.example.net", "LMTP", "8FqUD"},
      {"from mx.example.net ([unix socket]) by store.example.net (Cyrus 2.4.17) with LMTPA" + date, "handover",
       "mx.example.net", "store.example.net", "LMTPA", ""},
      {"from pop.example.net [203.0.113.9] by localhost with POP3 (fetchmail-6.4.37) for <a@localhost> (single-drop)" +
           date,
       "handover", "pop.example.net", "localhost", "POP3", ""},
      {"from imap.example.net by home.example.net with IMAP4-SSL getmail6 msgid:1/2" + date, "handover",
       "imap.example.net", "home.example.net", "IMAP4-SSL GETMAIL6 MSGID:1/2", ""},
  })));
}

TEST_CASE("the lines of servers whose address precedes the HELO are read", "[received]") {
  const std::string date = kDate;
  check(GENERATE_COPY(values<Line>({
      // CommuniGate Pro
      {"from mx.example.com ([198.51.100.7] verified) by mx.example.net (CommuniGate Pro SMTP 6.3.9) with ESMTPS id "
       "88112 for a@trap.example.net" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTPS", "88112"},
      {"from [198.51.100.7] (HELO mx.example.com) by mx.example.net (CommuniGate Pro SMTP 5.1.3) with SMTP id 1946" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "SMTP", "1946"},
      {"from [198.51.100.7] (HELO [192.0.2.9]) by mx.example.net (CommuniGate SPEC SMTP 8.0.5) with ESMTPS id 1407" +
           date,
       "198.51.100.7", "[192.0.2.9]", "mx.example.net", "ESMTPS", "1407"},
      {"from [198.51.100.7] (account user@example.net HELO [10.1.1.1]) by mx.example.net (CommuniGate Pro SMTP 4.3.7) "
       "with ESMTPSA id 884" +
           date,
       "198.51.100.7", "[10.1.1.1]", "mx.example.net", "ESMTPSA", "884"},
      {"from [198.51.100.7] (account user@example.net [198.51.100.7] verified) by mx.example.net (CommuniGate Pro SMTP "
       "6.3.19) with ESMTPSA id 469" +
           date,
       "198.51.100.7", "[198.51.100.7]", "mx.example.net", "ESMTPSA", "469"},
      {"from pc.example.net (account user@example.net [198.51.100.7] verified) by mx.example.net (CommuniGate Pro SMTP "
       "6.1.18) with ESMTPA id 316" +
           date,
       "198.51.100.7", "pc.example.net", "mx.example.net", "ESMTPA", "316"},
      {"from [198.51.100.7] (account user@example.net) by mx.example.net (CommuniGate Pro WebUser 4.3.7) with HTTP id "
       "109" +
           date,
       "198.51.100.7", "[198.51.100.7]", "mx.example.net", "HTTP", "109"},
      // qpsmtpd
      {"from [198.51.100.7] (HELO mx.example.com) (198.51.100.7) by mx.example.net (qpsmtpd/0.26) with SMTP" + date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "SMTP", ""},
      {"from [198.51.100.7] (HELO mx.example.com) by mx.example.net (qpsmtpd/0.94) with ESMTP" + date, "198.51.100.7",
       "mx.example.com", "mx.example.net", "ESMTP", ""},
      // Yahoo
      {"from 198.51.100.7 (EHLO mx.example.com) by mta1.mail.yahoo.com with SMTP" + date, "198.51.100.7",
       "mx.example.com", "mta1.mail.yahoo.com", "SMTP", ""},
      {"from 198.51.100.7 (EHLO mx.example.com) by 10.217.135.77 with SMTPs (version=TLS1_2 "
       "cipher=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)" +
           date,
       "198.51.100.7", "mx.example.com", "10.217.135.77", "SMTPS", ""},
      {"from 127.0.0.1  (EHLO mx.example.com) (198.51.100.7) by mta1.mail.yahoo.com with SMTPS" + date, "198.51.100.7",
       "mx.example.com", "mta1.mail.yahoo.com", "SMTPS", ""},
      {"from 10.217.135.77 by atlas-production.omega.yahoo.com pod-id atlas--production-75.bf1.yahoo.com with HTTP" +
           date,
       "handover", "10.217.135.77", "atlas-production.omega.yahoo.com", "HTTP", ""},
      // GMX
      {"from mail.example.com (EHLO mx.example.com) [198.51.100.7] by mx.example.net (mp003) with SMTP" + date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "SMTP", ""},
      // ZMailer
      {"from mail.example.com ([198.51.100.7]:60217 \"EHLO mx.example.com\" rhost-flags-OK-OK-OK-OK) by mx.example.net "
       "with ESMTP id S1752864 (ORCPT <rfc822;a@trap.example.net>)" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "S1752864"},
      {"from mail.example.com ([198.51.100.7]:6848 \"HELO [192.0.2.9]\") by mx.example.net with SMTP id S932394" + date,
       "198.51.100.7", "[192.0.2.9]", "mx.example.net", "SMTP", "S932394"},
  })));
}

TEST_CASE("the lines of servers with their own words around the address are read", "[received]") {
  const std::string date = kDate;
  check(GENERATE_COPY(values<Line>({
      // Kerio
      {"from mx.example.com ([198.51.100.7]) by mx.example.net (Kerio Connect 10.0.8 patch 2) with ESMTPS (using "
       "TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256 bits))" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTPS", ""},
      {"from mx.example.com ([198.51.100.7]) by mx.example.net (Kerio Connect 9.4.2) (using TLSv1.2 with cipher "
       "ECDHE-RSA-AES256-GCM-SHA384 (256 bits)) with SMTP" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "SMTP", ""},
      {"from mx.example.com ([198.51.100.7]) by mx.example.net (Kerio MailServer 6.3.0) (using TLSv1/SSLv3 with cipher "
       "AES256-SHA (256 bits)) for a@trap.example.net" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "", ""},
      {"from mx.example.com ([198.51.100.7]) by mx.example.net (Kerio MailServer 6.7.0)" + date, "198.51.100.7",
       "mx.example.com", "mx.example.net", "", ""},
      // MDaemon
      {"from mx.example.com [198.51.100.7] by mx.example.net [203.0.113.5] with SMTP (MDaemon.PRO.v5.0.6.R) for "
       "<a@trap.example.net>" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "SMTP", ""},
      {"from [192.0.2.9] ([198.51.100.7]) by mx.example.net (mx.example.net [203.0.113.5]) (Cipher TLSv1:RC4-MD5:128) "
       "(MDaemon PRO v9.6.6) with ESMTP id md500.msg for <a@trap.example.net>" +
           date,
       "198.51.100.7", "[192.0.2.9]", "mx.example.net", "ESMTP", "md500.msg"},
      {"from mx.example.com (mail.example.com [198.51.100.7]) by mx.example.net (203.0.113.5) (MDaemon PRO v26.0.2b) "
       "with ESMTPS id md5001.msg" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTPS", "md5001.msg"},
      {"from mx.example.com by mx.example.net (Cipher TLSv1:RC4-MD5:128) (MDaemon PRO v10.1.1) with ESMTP id m.msg" +
           date,
       "-", "mx.example.com", "mx.example.net", "ESMTP", "m.msg"},
      // IMail
      {"from mx.example.com [198.51.100.7] by mx.example.net (SMTPD32-7.07) id A4CE7F2A0028" + date, "198.51.100.7",
       "mx.example.com", "mx.example.net", "", "A4CE7F2A0028"},
      {"from mx.example.com [198.51.100.7] by mx.example.net with ESMTP (SMTPD32-8.00) id A66B7D000DA" + date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "A66B7D000DA"},
      // InterMail
      {"from mx.example.com ([198.51.100.7]) by mx.example.net (InterMail vM.8.04.03.22.01 201-2389-100-168-20180813) "
       "with ESMTP id <2019.HEWU7430.mx.example.net@mx.example.com>" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "<2019.HEWU7430.mx.example.net@mx.example.com>"},
      {"from mx.example.com ([198.51.100.7] [198.51.100.7]) by mx.example.net (InterMail vM.7.08.04.00) with ESMTP id "
       "<2009.X@y>" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "<2009.X@y>"},
      {"from [192.0.2.9] (really [198.51.100.7]) by mx.example.net (InterMail vM.8.04.03.22.02) with ESMTP id "
       "<2020.VKXM12989.mx.example.net@[192.0.2.9]>" +
           date,
       "198.51.100.7", "[192.0.2.9]", "mx.example.net", "ESMTP", "<2020.VKXM12989.mx.example.net@[192.0.2.9]>"},
      // MailMarshal
      {"from mx.example.com (Not Verified[198.51.100.7]) by mx.example.net (using TLS: TLSv1.2, DES-CBC3-SHA) id "
       "<B5f50361f0000>" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "", "<B5f50361f0000>"},
      {"from mx.example.com (Not Verified[2001:db8:b000::76]) by mx.example.net with Trustwave SEG (v8,2,6,11305) id "
       "<B66666bfb0000>" +
           date,
       "2001:db8:b000::76", "mx.example.com", "mx.example.net", "TRUSTWAVE SEG", "<B66666bfb0000>"},
      {"from mx.example.com (mail.example.com[198.51.100.7]) by mx.example.net with MailMarshal (v6,7,2,8378) id <B4>" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "MAILMARSHAL", "<B4>"},
      // hMailServer
      {"from mx.example.com ([198.51.100.7]) by mx.example.net ; Wed, 13 Jul 2011 11:29:40 -0500", "198.51.100.7",
       "mx.example.com", "mx.example.net", "", ""},
      {"from mx.example.com (Unknown [198.51.100.7]) by mx.example.net with ESMTPS\t(version=TLSv1.2 "
       "cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256)\t; Wed, 13 Jul 2011 11:29:40 -0500",
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTPS", ""},
      {"from mx.example.com (Unknown [198.51.100.7]) by mx.example.net with ESMTP ; Wed, 13 Jul 2011 11:29:40 -0500",
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", ""},
      // Zimbra's store
      {"from mx.example.net (LHLO mx.example.net) (10.0.0.5) by store.example.net with LMTP" + date, "10.0.0.5",
       "mx.example.net", "store.example.net", "LMTP", ""},
      {"from 127.0.0.1 (LHLO mx.example.net) by localhost with LMTP" + date, "127.0.0.1", "mx.example.net", "localhost",
       "LMTP", ""},
      // IIS
      {"from mx.example.com ([198.51.100.7] unverified) by mx.example.net with Microsoft SMTPSVC(5.0.2195.5329)" + date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "MICROSOFT SMTPSVC", ""},
      {"from [192.0.2.9] ([198.51.100.7] RDNS failed) by mx.example.net over TLS secured channel with Microsoft "
       "SMTPSVC(6.0.3790.1830)" +
           date,
       "198.51.100.7", "[192.0.2.9]", "mx.example.net", "MICROSOFT SMTPSVC", ""},
      // Axigen
      {"from mx.example.com (198.51.100.7) by mx.example.net (Axigen) with ESMTP id 2B106B" + date, "198.51.100.7",
       "mx.example.com", "mx.example.net", "ESMTP", "2B106B"},
      {"from [192.0.2.9] (198.51.100.7) by mx.example.net (Axigen) with (ECDHE-RSA-AES128-GCM-SHA256 encrypted) ESMTPS "
       "id 1B91D7" +
           date,
       "198.51.100.7", "[192.0.2.9]", "mx.example.net", "ESMTPS", "1B91D7"},
      // Mercury
      {"from mx.example.com (198.51.100.7) by mx.example.net (Mercury/32 v4.52) with ESMTP ID MG003CF7" + date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "MG003CF7"},
      {"from spooler by mx.example.net (Mercury/32 v4.62)" + date, "handover", "spooler", "mx.example.net", "", ""},
  })));
}

TEST_CASE("the lines of servers that write like the known ones are read", "[received]") {
  const std::string date = kDate;
  check(GENERATE_COPY(values<Line>({
      {"from mx.example.com ([198.51.100.7]) by mx.example.net (IceWarp 11.3.0.4 RHEL6 x64) with ESMTP (SSL) id 2019" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "2019"},
      {"from [192.0.2.9] (UnknownHost [198.51.100.7]) by mx.example.net with SMTP" + date, "198.51.100.7",
       "[192.0.2.9]", "mx.example.net", "SMTP", ""},
      {"from mx.example.com ([198.51.100.7]) by mx.example.net with MailEnable ESMTP" + date, "198.51.100.7",
       "mx.example.com", "mx.example.net", "MAILENABLE ESMTP", ""},
      {"from mx.example.com (mail.example.com [198.51.100.7]) by mx.example.net (Mirapoint Messaging Server MOS "
       "3.3.3-GR) with ESMTP id AEI23749" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "AEI23749"},
      {"from mx.example.com ([198.51.100.7]) by mx.example.net (Lotus Domino Release 8.5.3FP6) with ESMTP id "
       "20190506-10 ; Mon, 6 May 2019 15:03:29 +0800",
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "20190506-10"},
      {"from mx.example.com (unknown [198.51.100.7]) by mx.example.net (Oracle Communications Messaging Server "
       "7u4-24.01(7.0.4.24.0) 64bit (built Nov 17 2011)) with ESMTP id <0NCE@mx.example.net> for a@trap.example.net" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "<0NCE@mx.example.net>"},
      {"from mx.example.com (mail.example.com [198.51.100.7]:31290) by mx.example.net (mx.example.net "
       "[203.0.113.5]:25) with ESMTP ([XMail 1.27 ESMTP Server]) id <S16FAD18> for <a@trap.example.net> from <>" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "<S16FAD18>"},
      {"from mx.example.com (unknown [198.51.100.7]) by mx.example.net (Halon) with ESMTPS id d81faae6" + date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTPS", "d81faae6"},
      {"from mx.example.com (mail.example.com [198.51.100.7]) (using TLSv1.3 with cipher TLS13_AES_256_GCM_SHA384) by "
       "mx.example.net (Stalwart SMTP) with ESMTPS id 4AB" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTPS", "4AB"},
      {"from mx.example.com (mail.example.com [198.51.100.7]) by mx.example.net (envelope-sender <>) with ESMTPS id "
       "95b49b87" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTPS", "95b49b87"},
      {"from mail.example.com (EHLO mx.example.com) ([198.51.100.7]) by mx.example.net (JAMES SMTP Server ) with ESMTP "
       "ID 1411" +
           date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP", "1411"},
      {"from mx.example.com ([198.51.100.7]) by mx.example.net with ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384" + date,
       "198.51.100.7", "mx.example.com", "mx.example.net", "ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384", ""},
  })));
}

TEST_CASE("a line that names the user is a submission", "[received]") {
  const std::string value = GENERATE(
      "from pc (mail.example.com [198.51.100.7]) by mx.example.net (Postfix) with ESMTPSA id 1; date",
      "from [198.51.100.7] (account a@example.net HELO pc) by mx.example.net (CommuniGate Pro SMTP 4.3.7) with ESMTP",
      "from pc ([198.51.100.7]) (authenticated user a@example.net) by mx.example.net (Kerio MailServer 6.7.0); date",
      "from pc ([198.51.100.7]) by mx.example.net (IceWarp 11.2.1.1 RHEL6 x64) with ASMTP (SSL) id 1; date");
  CAPTURE(value);
  const auto hop = parse_received(value);
  REQUIRE(hop);
  CHECK(hop->is_submission);
}

TEST_CASE("a line without an address isn't a hand-over just because of that", "[received]") {
  const auto hop =
      parse_received("from mx.example.com by mx.example.net with SMTP id X; Tue, 24 Nov 2026 10:00:00 +0000");
  REQUIRE(hop);
  CHECK_FALSE(hop->client.has_value());
  CHECK_FALSE(hop->local_handover);
}

TEST_CASE("a line without a known form fails", "[received]") {
  const std::string value =
      GENERATE("", " ", "from", "by", "from mx.example.com", "from by with", "(", ")", "(qmail)",
               "; Tue, 24 Nov 2026 10:00:00 +0000", "from mx.example.com (mail.example.com [198.51.100.7])",
               "from mx.example.com (mail.example.com [198.51.100.7]) by",
               "from mx.example.com (mail.example.com []) by mx.example.net with ESMTP id 1",
               "from mx.example.com (mail.example.com [unknown]) by mx.example.net with ESMTP id 1",
               "from mx.example.com (unknown [198.51.100.256]) by mx.example.net with ESMTP id 1",
               "from mx.example.com [198.51.100.7] by mx.example.net with ESMTP id 1",
               "from (mx.example.com) [198.51.100.7] by mx.example.net with esmtp id 1",
               "from mx.example.com (mail.example.com [198.51.100.7]) by mx.example.net",
               "from mx.example.com (mail.example.com [198.51.100.7]) by mx.example.net with qmail-scanner-1.23",
               "(EGP: mail-8_1_0_1); 5 Sep 2002 22:33:40 -0000");
  CAPTURE(value);
  CHECK_FALSE(parse_received(value).has_value());
}

TEST_CASE("a field is parsed up to 4096 octets, and comments up to a depth of 16", "[received]") {
  const std::string head = "from mx.example.com (mail.example.com [198.51.100.7]) ";
  const std::string tail = " by mx.example.net (Postfix) with ESMTP id 1";
  const auto padded = [&](std::size_t size) {
    return head + tail + std::string(size - head.size() - tail.size(), ' ');
  };
  CHECK(parse_received(padded(4096)).has_value());
  CHECK_FALSE(parse_received(padded(4097)).has_value());
  const auto nested = [&](std::size_t depth) {
    return head + std::string(depth, '(') + "x" + std::string(depth, ')') + tail;
  };
  CHECK(parse_received(nested(16)).has_value());
  CHECK_FALSE(parse_received(nested(17)).has_value());
}

}  // namespace
}  // namespace blowback::mail
