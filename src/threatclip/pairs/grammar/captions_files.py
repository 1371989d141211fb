"""Descriptions of the classes that deal with files and objects; see `captions.py`."""

TEXT = r"""
named_path := *2 «$affected» is vulnerable to «=path traversal~directory traversal~local file inclusion» «$where»«tail»
  ¦ A «=path traversal~directory traversal~local file inclusion (LFI)» flaw «$where» of «$affected» «lets» «do_path»«tail»
  ¦ Directory traversal «$where» in «$affected» «lets» «do_path»«tail» ¦ «$affected» has a Path Traversal «$where»«tail»
  ¦ Absolute path traversal in «$affected» «$where» «lets» «do_path»«tail»
  ¦ Local File Inclusion exists in «$affected» «$where»«tail»
plain_path := *2 «$affected» does not restrict file names given «$where», which «lets» «do_path»«tail»
  ¦ «$affected» «lets» «do_path» with dot-dot-slash sequences «$where»«tail»
  ¦ A file name taken «where_src» is opened by «$affected» without a check, so «attacker_who» «can» «do_path»«tail»
  ¦ «$affected» serves files outside the web root «$where»«tail»
  ¦ Sequences such as ../ «$where» of «$affected» are not removed; «attacker_who» «can» «do_path»«tail»
  ¦ «$affected» includes a local file whose name comes from the request «$where», and «attacker_who» «can» «do_path»«tail»
do_path := *3 read arbitrary files ¦ *2 download files from the server ¦ read system files such as the password file
  ¦ include local files and run code in them ¦ reach files outside the document root
  ¦ view configuration files with credentials ¦ overwrite or delete files in other folders
  ¦ retrieve source code and log files

named_object := *2 «$affected» is vulnerable to «=insecure deserialization~deserialization of untrusted data~object injection through deserialization~unsafe deserialization» «$where»«tail»
  ¦ A deserialization flaw «$where» of «$affected» «lets» «do_object»«tail»
  ¦ Deserialization of untrusted data «$where» in «$affected» «lets» «do_object»«tail»
  ¦ «$affected» deserializes untrusted input «$where»«tail»
  ¦ Unsafe «$tongue» deserialization in «$affected» «$where» «lets» «do_object»«tail»
plain_object := *2 «$affected» restores objects from data sent «$where» without a check of their types, which «lets» «do_object»«tail»
  ¦ «$tongue» object injection «$where» of «$affected» «lets» «do_object»«tail»
  ¦ «$affected» calls a «$tongue» object loader on input «$where»; «attacker_who» «can» «do_object»«tail»
  ¦ Serialized objects «$where» of «$affected» are accepted from anyone, so «attacker_who» «can» «do_object»«tail»
  ¦ A gadget chain sent «$where» is instantiated by «$affected», and «attacker_who» «can» «do_object»«tail»
  ¦ The «=session cookie~view state~RMI service~remember-me token~message queue~T3 service» of «$affected» accepts crafted objects; «attacker_who» «can» «do_object»«tail»
do_object := *3 execute arbitrary code with a crafted object ¦ instantiate arbitrary classes
  ¦ run commands through a gadget chain ¦ trigger a JNDI lookup to a remote server ¦ call methods of loaded classes
  ¦ write files with a crafted serialized value ¦ take over the server process ¦ inject «$tongue» objects

named_upload := *2 «$affected» is vulnerable to «=unrestricted file upload~arbitrary file upload» «$where»«tail»
  ¦ An «=arbitrary file upload~unrestricted upload of a file with dangerous type» «$where» of «$affected» «lets» «do_upload»«tail»
  ¦ Unrestricted file upload in «$affected» «$where» «lets» «do_upload»«tail»
  ¦ «$affected» has an unauthenticated arbitrary file upload «$where»«tail»
  ¦ Missing file type validation «$where» makes arbitrary file uploads possible in «$affected»«tail»
plain_upload := *2 «$affected» does not check extensions «$where», which «lets» «do_upload»«tail»
  ¦ «$affected» «lets» «do_upload» «$where»«tail»
  ¦ A script stored «$where» of «$affected» can be requested afterwards; «attacker_who» «can» «do_upload»«tail»
  ¦ «$affected» trusts the content type that the client sends «$where», so «attacker_who» «can» «do_upload»«tail»
  ¦ The attachment handler of «$affected» writes any document into a web-reachable folder, and «attacker_who» «can» «do_upload»«tail»
  ¦ «attacker_who|cap» «can» «do_upload» in «$affected» by renaming a script so that it looks like an image«tail»
do_upload := *2 place a web shell on the server ¦ *2 put executable scripts into the web root
  ¦ store a «$tongue» file and run it ¦ run arbitrary code by sending a script file ¦ plant a JSP page
  ¦ deposit a server page and request it ¦ write files of dangerous types
  ¦ replace application files through a crafted archive ¦ send a file with a double extension and execute it

named_xxe := *2 «$affected» is vulnerable to XML external entity (XXE) injection «$where»«tail»
  ¦ An XXE flaw «$where» of «$affected» «lets» «do_xxe»«tail»
  ¦ XML External Entity processing in «$affected» «$where» «lets» «do_xxe»«tail»
  ¦ «$affected» has «=blind~out-of-band~unauthenticated~error-based» XXE «$where»«tail»
  ¦ Improper restriction of XML external entity reference «$where» in «$affected» «lets» «do_xxe»«tail»
plain_xxe := *2 The XML parser of «$affected» resolves document type definitions «$where», which «lets» «do_xxe»«tail»
  ¦ «$affected» parses XML «$where» with entity expansion turned on; «attacker_who» «can» «do_xxe»«tail»
  ¦ «$affected» «lets» «do_xxe» with a crafted «=SVG image~SOAP message~Office document~DTD~XML document~RSS feed» «$where»«tail»
  ¦ A DOCTYPE declaration «$where» of «$affected» is honored, so «attacker_who» «can» «do_xxe»«tail»
  ¦ «$affected» loads DTDs from other hosts when it reads XML «$where», and «attacker_who» «can» «do_xxe»«tail»
do_xxe := *2 read local files through entities ¦ *2 disclose files from the server
  ¦ send requests to internal hosts through an entity ¦ exhaust memory with nested entities
  ¦ exfiltrate data over HTTP or FTP with a remote DTD ¦ include file contents in the parsed document
  ¦ obtain server files by an XML document
"""  # noqa: E501
