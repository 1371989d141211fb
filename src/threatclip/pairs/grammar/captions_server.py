"""Descriptions of the classes that deal with requests, redirects, secrets and rights; see `captions.py`."""

TEXT = r"""
named_ssrf := *2 «$affected» is vulnerable to server-side request forgery (SSRF) «$where»«tail»
  ¦ A «=blind ~~full-read ~semi-blind »SSRF flaw «$where» of «$affected» «lets» «do_ssrf»«tail»
  ¦ Server-side request forgery «$where» in «$affected» «lets» «do_ssrf»«tail»
  ¦ «$affected» has an «=unauthenticated~authenticated» SSRF «$where»«tail»
  ¦ SSRF in «$affected» «$where»: «attacker_who» «can» «do_ssrf»«tail»
plain_ssrf := *2 «$affected» fetches a URL given «$where» without restricting its target, which «lets» «do_ssrf»«tail»
  ¦ «$affected» «lets» «do_ssrf» «$where»«tail»
  ¦ The server behind «$affected» connects to any address named «$where»; «attacker_who» «can» «do_ssrf»«tail»
  ¦ «$affected» acts as an open proxy «$where», so «attacker_who» «can» «do_ssrf»«tail»
  ¦ The «=image proxy~webhook tester~feed importer~PDF converter~link preview~avatar loader~backend connector» of «$affected» loads attacker-chosen addresses, and «attacker_who» «can» «do_ssrf»«tail»
do_ssrf := *2 make the server send requests to internal hosts ¦ *2 reach services of the internal network
  ¦ read cloud metadata and credentials ¦ scan ports behind the firewall
  ¦ have arbitrary HTTP requests sent from the server ¦ talk to local services such as a cache
  ¦ obtain responses of intranet systems ¦ induce outbound connections to a host of their choice

named_redirect := *2 «$affected» has an open redirect «$where»«tail»
  ¦ An open redirect «$where» of «$affected» «lets» «do_redirect»«tail»
  ¦ Open redirection in «$affected» «$where» «lets» «do_redirect»«tail»
  ¦ «$affected» is vulnerable to URL redirection to an untrusted site (open redirect) «$where»«tail»
  ¦ Open Redirect exists in «$affected» «$where»«tail»
plain_redirect := *2 «$affected» forwards the browser to any address named «$where», which «lets» «do_redirect»«tail»
  ¦ «$affected» «lets» «do_redirect» «$where»«tail»
  ¦ The destination after login in «$affected» is taken from the request unchecked; «attacker_who» «can» «do_redirect»«tail»
  ¦ A crafted link to «$affected» sends the visitor to a foreign site «because» the Location header is built from input «$where»«tail»
  ¦ «$affected» does not compare the target host «$where» with its own, so «attacker_who» «can» «do_redirect»«tail»
  ¦ URL redirection to an untrusted site happens in «$affected» «$where», and «attacker_who» «can» «do_redirect»«tail»
do_redirect := *2 send users to malicious websites ¦ *2 conduct phishing attacks
  ¦ lead victims from the trusted site to another host ¦ disguise a link to a hostile domain
  ¦ redirect visitors to arbitrary URLs ¦ steal login codes by way of a foreign page
  ¦ abuse the domain's good name in mails

named_info := *2 «$affected» has an information disclosure flaw «$where»«tail»
  ¦ Exposure of sensitive information in «$affected» «lets» «do_info» «$where»«tail»
  ¦ Sensitive information disclosure «$where» of «$affected» «lets» «do_info»«tail»
  ¦ Information exposure in «$affected» «$where»: «attacker_who» «can» «do_info»«tail»
  ¦ «$affected» discloses sensitive information to unauthenticated users «$where»«tail»
plain_info := *2 «$affected» leaves «leftover» reachable without login, which «lets» «do_info»«tail»
  ¦ «$affected» «lets» «do_info» by a direct request to «$component»«tail»
  ¦ A default installation of «$affected» publishes «leftover»; «attacker_who» «can» «do_info»«tail»
  ¦ «leftover|cap» can be fetched from «$affected» by anyone, and «attacker_who» «can» «do_info»«tail»
  ¦ «$affected» answers «$component» with details that should stay private, so «attacker_who» «can» «do_info»«tail»
  ¦ «$affected» keeps «leftover» under the web root, where «attacker_who» «can» «do_info»«tail»
  ¦ Error messages of «$affected» reveal installation paths and stack traces «$where»«tail»
leftover := a backup archive ¦ debug logs ¦ a configuration file ¦ the version control folder ¦ a diagnostics page
  ¦ management endpoints ¦ the API documentation with keys ¦ a database dump ¦ an environment file ¦ a directory listing
  ¦ the list of users ¦ export files ¦ server status pages ¦ a heap dump ¦ the setup log ¦ a private key
  ¦ device settings with passwords
do_info := *2 obtain private data ¦ *2 read credentials and keys ¦ download the configuration
  ¦ view log files with session tokens ¦ list user names and mail addresses ¦ learn version and path details
  ¦ retrieve database backups ¦ see environment variables ¦ get the Wi-Fi and administrator passwords
  ¦ collect personal data of customers

named_access := *2 «$affected» has «=an authentication bypass~a missing authorization~broken access control~improper access control~an access control flaw» «$where»«tail»
  ¦ «=Authentication bypass~Missing authorization~Missing authentication~Improper access control~Incorrect authorization» «$where» in «$affected» «lets» «do_access»«tail»
  ¦ Broken access control in «$affected» «lets» «do_access» «$where»«tail»
  ¦ An authentication bypass «$where» of «$affected» «lets» «do_access»«tail»
  ¦ «$affected» lacks a capability check (missing authorization) «$where»«tail»
plain_access := *2 «$affected» does not check who calls «$component», which «lets» «do_access»«tail»
  ¦ «$affected» «lets» «do_access» «$where»«tail»
  ¦ «$affected» ships with «=default~hard-coded~well-known~undocumented» credentials; «attacker_who» «can» «do_access»«tail»
  ¦ The login of «$affected» is skipped when «=a header is set~the path is written differently~the token is empty~a cookie says so~an alternate method is used~the signature is absent», so «attacker_who» «can» «do_access»«tail»
  ¦ Administrative functions of «$affected» are reachable without a session, and «attacker_who» «can» «do_access»«tail»
  ¦ «$affected» takes the identifier of a record from the request and never compares it with the caller, which «lets» «do_access»«tail»
  ¦ Registration in «$affected» accepts a role from the client; «attacker_who» «can» «do_access»«tail»
  ¦ «$affected» uses a fixed secret to sign sessions, and «attacker_who» «can» «do_access»«tail»
do_access := *2 gain administrator rights ¦ *2 reach the admin panel without logging in
  ¦ change settings without permission ¦ create an administrator account ¦ reset passwords of other users
  ¦ read records of other users ¦ perform privileged actions ¦ log in with default passwords ¦ take over accounts
  ¦ reboot or reconfigure the device ¦ call protected functions ¦ delete arbitrary content
"""  # noqa: E501
