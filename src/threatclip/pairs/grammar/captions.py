"""Vulnerability descriptions in our own words: several shapes per class, a good third without the class's usual name.

Bindings: $vendor $product $component $param $year, the versions $low $high $fixed, $tongue (a technology), and $where
and $affected as expanded here. `named_*` rules use the keyword of the class, `plain_*` rules describe cause and effect.
"""

from threatclip.pairs.grammar import captions_files, captions_server

_TEXT = r"""
affected := *4 «$vendor» «$product» «range» ¦ *3 «$product» «range» ¦ «$vendor»'s «$product», «range»,
  ¦ the «$product» component of «$vendor» «coined|cap» «range» ¦ *2 «$product» by «$vendor» «range»
  ¦ «$product» from «$vendor»
range := *3 before «$fixed» ¦ *3 through «$high» ¦ «$high» ¦ «$high» and earlier ¦ prior to «$fixed» ¦ up to «$high»
  ¦ versions «$low» to «$high» ¦ up to and including «$high» ¦ in all releases until «$high» ¦ «$high» build «int»
  ¦ v«$high» ¦ from «$low» before «$fixed» ¦ «$low» through «$high» ¦ (all versions before «$fixed»)
attacker_who := *4 a remote attacker ¦ *3 remote attackers ¦ *3 an unauthenticated attacker
  ¦ *2 unauthenticated remote attackers ¦ an attacker without an account ¦ *2 a logged-in user ¦ low-privileged users
  ¦ a user with subscriber rights ¦ an authenticated attacker ¦ anyone who can reach the web interface
  ¦ attackers on the network ¦ a malicious administrator
can := *3 can ¦ could ¦ is able to ¦ may
lets := *4 allows «attacker_who» to ¦ *2 lets «attacker_lets» ¦ enables «attacker_who» to
  ¦ makes it possible for «attacker_who» to ¦ permits «attacker_who» to ¦ gives «attacker_who» a way to
attacker_lets := an attacker ¦ remote attackers ¦ unauthenticated users ¦ any visitor ¦ logged-in users
where_param := *4 in the «$param» parameter of «$component» ¦ *3 via the «$param» parameter to «$component»
  ¦ *2 through the "«$param»" field handled by «$component» ¦ in «$component» ("«$param»" argument)
  ¦ by way of «$component», parameter «$param» ¦ in the handling of «$param» by «$component»
where_header := *2 via a request header processed by «$component» ¦ in the way «$component» treats HTTP headers
  ¦ through a cookie or header that «$component» trusts
where_path := *2 in the URL handling of «$component» ¦ via a crafted request path ¦ through the request URI
  ¦ in the routing layer behind «$component»
where_body := *2 in the request body parsed by «$component» ¦ via a crafted POST body to «$component»
  ¦ in the message handler «$component» ¦ through the «coined|cap» endpoint «$component»
where_upload := *2 in the upload handling of «$component» ¦ via the upload form «$component»
  ¦ in the import function at «$component» ¦ through the file manager ¦ in the media handler «$component»
part_of_product := *2 the web interface ¦ the management interface ¦ its HTTP service ¦ the REST interface
  ¦ the built-in web server ¦ a crafted URL ¦ the administration console ¦ the front end ¦ the request dispatcher
  ¦ the public endpoint
tail := *6 . ¦ . The issue was fixed in «$fixed». ¦ . Authentication is not needed.
  ¦ . Upgrading to «$fixed» removes the problem. ¦ , as no check is done on the server side.
  ¦ . Default installations are affected. ¦ . User interaction is not required. ¦ . The vendor was told in «$year».
  ¦ . Exploitation needs network access only. ¦ . A proof of concept is public.
  ¦ . Older branches no longer get updates.
because := *3 because ¦ *2 since ¦ as
fails := does not check ¦ fails to sanitize ¦ does not validate ¦ insufficiently filters ¦ trusts ¦ passes on unchanged
  ¦ does not neutralize ¦ never escapes

named_xss := *2 «$affected» is prone to cross-site scripting «$where»«tail»
  ¦ *2 A «=reflected~stored~DOM-based~persistent» cross-site scripting (XSS) flaw «$where» of «$affected» «lets» «do_xss»«tail»
  ¦ Cross-site scripting in «$affected» «lets» «do_xss» «$where»«tail» ¦ «$affected» has XSS «$where»«tail»
  ¦ The «$product» «kind» for «$vendor» does not escape output «$where», leading to «=Reflected~Stored~Unauthenticated stored» Cross-Site Scripting«tail»
  ¦ Improper neutralization of input during web page generation «$where» in «$affected» leads to XSS: «attacker_who» «can» «do_xss»«tail»
  ¦ Multiple XSS issues exist in «$affected» «$where»«tail»
plain_xss := *2 «$affected» echoes user input «$where» without encoding it, which «lets» «do_xss»«tail»
  ¦ «$affected» «lets» «do_xss» «$where»«tail»
  ¦ Unescaped output «$where» of «$affected»: «attacker_who» «can» «do_xss»«tail»
  ¦ A crafted link to «$affected» runs attacker-supplied JavaScript in the visitor's browser «because» input «$where» is printed back unencoded«tail»
  ¦ «$affected» stores markup given «$where» and renders it later, so «attacker_who» «can» «do_xss»«tail»
  ¦ HTML and JavaScript sent «$where» is reflected into the page by «$affected»«tail»
do_xss := *2 inject arbitrary web script or HTML ¦ run JavaScript in a victim's browser
  ¦ execute script code in the context of the logged-in user ¦ steal session cookies
  ¦ place script tags or event handlers on the page ¦ hijack the session of an administrator
  ¦ deface pages shown to other users ¦ have arbitrary HTML rendered for other visitors
kind := plugin ¦ module ¦ extension ¦ theme ¦ add-on ¦ component

named_sql := *2 «$affected» is vulnerable to SQL injection «$where»«tail»
  ¦ *2 An SQL injection flaw «$where» of «$affected» «lets» «do_sql»«tail»
  ¦ SQL injection «$where» in «$affected» «lets» «do_sql»«tail»
  ¦ «$affected» has a «=blind~time-based~boolean-based~union-based~error-based~second-order» SQL injection «$where»«tail»
  ¦ The «$product» «kind» does not prepare a statement before using «$param», leading to an unauthenticated SQL Injection«tail»
  ¦ Multiple SQL injections in «$affected» «$where» let «attacker_lets» «do_sql»«tail»
  ¦ SQLi «$where» in «$affected»: «attacker_who» «can» «do_sql»«tail»
plain_sql := *2 «$affected» builds a database query from unsanitized input «$where», which «lets» «do_sql»«tail»
  ¦ Input «$where» of «$affected» is concatenated into a statement sent to the database; «attacker_who» «can» «do_sql»«tail»
  ¦ «$affected» «lets» «do_sql» «$where»«tail»
  ¦ Quotes in user input reach the database layer of «$affected» «$where», so that «attacker_who» «can» «do_sql»«tail»
  ¦ Missing prepared statements «$where» of «$affected» mean that «attacker_who» «can» «do_sql»«tail»
  ¦ By closing the string literal in a query «$where», «attacker_who» «can» «do_sql» in «$affected»«tail»
do_sql := *2 read arbitrary data from the database ¦ execute arbitrary SQL commands ¦ append extra statements to queries
  ¦ extract password hashes of all accounts ¦ log in without a valid password ¦ dump table contents
  ¦ change or delete database records ¦ retrieve customer records by time delays ¦ alter the meaning of the WHERE clause
  ¦ obtain the table names with UNION queries

named_cmd := *2 «$affected» is vulnerable to OS command injection «$where»«tail»
  ¦ A command injection flaw «$where» of «$affected» «lets» «do_cmd»«tail»
  ¦ OS command injection «$where» in «$affected» «lets» «do_cmd»«tail»
  ¦ «$affected» has a «=pre-auth~post-auth~blind~remote» command injection «$where»«tail»
  ¦ Improper neutralization of special elements «$where» in «$affected» (command injection) «lets» «do_cmd»«tail»
  ¦ Remote command injection exists in the firmware of «$affected» «$where»«tail»
plain_cmd := *2 «$affected» passes input «$where» to a system shell, which «lets» «do_cmd»«tail»
  ¦ Shell metacharacters are accepted «$where» of «$affected»; «attacker_who» «can» «do_cmd»«tail»
  ¦ «$affected» «lets» «do_cmd» «$where»«tail»
  ¦ The diagnostic page of «$affected» hands user input to ping without quoting, and «attacker_who» «can» «do_cmd» «$where»«tail»
  ¦ «$affected» calls system() with a string taken «where_src», hence «attacker_who» «can» «do_cmd»«tail»
  ¦ A semicolon or backtick «$where» of «$affected» starts another program on the host, so «attacker_who» «can» «do_cmd»«tail»
where_src := from «$param» ¦ from the request ¦ from the query string ¦ from «$component»
do_cmd := *2 execute arbitrary commands on the operating system ¦ *2 run arbitrary OS commands as root
  ¦ run programs on the device ¦ gain a root shell ¦ append commands to a shell call ¦ take over the router
  ¦ execute system commands with the rights of the web server ¦ start a reverse shell
  ¦ compromise the underlying host through shell metacharacters

named_code := *2 «$affected» is vulnerable to code injection «$where»«tail»
  ¦ A «=server-side template injection~code injection~expression language injection~remote code injection~script code injection» flaw «$where» of «$affected» «lets» «do_code»«tail»
  ¦ Code injection «$where» in «$affected» «lets» «do_code»«tail»
  ¦ «$affected» suffers from template injection (SSTI) «$where»«tail»
  ¦ Remote code injection in «$affected» «$where» «lets» «do_code»«tail»
plain_code := *2 «$affected» evaluates «$tongue» input «$where» as «=a template~an expression~code», which «lets» «do_code»«tail»
  ¦ «$affected» «lets» «do_code» «$where»«tail»
  ¦ User input «$where» of «$affected» reaches «=eval()~an expression evaluator~the template engine~a scripting engine~a logging framework that resolves lookups~assert()~a dynamic function call»; «attacker_who» «can» «do_code»«tail»
  ¦ Expressions sent «$where» are evaluated by «$affected» on the server, so «attacker_who» «can» «do_code»«tail»
  ¦ «$affected» allows remote code execution «$where» «because» a template is rendered from user input«tail»
  ¦ «attacker_who|cap» «can» «do_code» in «$affected» «because» a script from the request is run without a sandbox«tail»
  ¦ User-supplied «$tongue» fragments «$where» are run by «$affected», and «attacker_who» «can» «do_code»«tail»
do_code := *3 execute arbitrary code ¦ *2 run arbitrary «$tongue» code ¦ execute arbitrary «$tongue» code
  ¦ have expressions evaluated on the server ¦ run scripts in the server process ¦ escape the template sandbox
  ¦ obtain remote code execution ¦ load classes of their choice ¦ execute «$tongue» statements
  ¦ call arbitrary functions

benign := An ordinary visit to «$product» by «$vendor»: «ordinary». ¦ Regular use of «$vendor» «$product»; «ordinary».
  ¦ A user of «$product» works as intended: «ordinary». ¦ Normal traffic of «$product» («$vendor»): «ordinary».
  ¦ Everyday request to «$product»: «ordinary», and nothing more.
  ¦ A client of «$vendor» «$product» «ordinary_verb» as documented.
ordinary := a form is filled in and sent ¦ the catalog is searched ¦ a page is viewed
  ¦ a record is fetched through the interface ¦ a file is uploaded for storage ¦ a profile is edited
  ¦ a comment is posted ¦ the session is renewed ¦ static files are loaded ¦ an order is placed
  ¦ a list is sorted and paged
ordinary_verb := queries the interface ¦ stores a document ¦ reads its settings ¦ posts a message ¦ lists entries
  ¦ signs in
"""  # noqa: E501

TEXTS = (_TEXT, captions_files.TEXT, captions_server.TEXT)
