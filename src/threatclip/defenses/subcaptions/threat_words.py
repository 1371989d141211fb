"""What descriptions of vulnerabilities and of ATT&CK techniques are made of."""

from __future__ import annotations

from threatclip.defenses.subcaptions.lexicon import THING, Concept, Lexicon, concepts, named_concepts
from threatclip.pairs.weaknesses import TEXT_WEAKNESSES

# each line begins with the class as it is labeled
_WEAKNESSES = {
    "xss": "cross-site_scripting xss + scripting reflected_xss stored_xss html_injection script_injection",
    "sql-injection": "sql_injection sqli + blind_sql_injection sql_queries sql_commands sql_command sql_statement",
    "path-traversal": "path_traversal directory_traversal + local_file_inclusion lfi file_inclusion",
    "command-injection": "command_injection os_command_injection + shell_injection arbitrary_commands os_commands",
    "code-injection": "code_injection template_injection + server-side_template_injection ssti eval_injection",
    "deserialization": "insecure_deserialization deserialization + object_injection unmarshals unserialize",
    "file-upload": "unrestricted_file_upload arbitrary_file_upload + file_upload web_shell webshell",
    "ssrf": "server-side_request_forgery ssrf",
    "xxe": "xml_external_entity_injection xxe + xml_external_entity external_entity external_entities xxe_injection",
    "open-redirect": "open_redirect + url_redirection open_redirection redirect redirects",
    "info-exposure": "information_disclosure sensitive_information_disclosure + information_exposure data_exposure",
    "access-control": "authentication_bypass missing_authorization + improper_access_control hard-coded_credentials "
    "default_credentials improper_authentication missing_authentication broken_access_control",
    "csrf": "cross-site_request_forgery csrf",
    "memory-safety": "memory_corruption buffer_overflow + use_after_free out-of-bounds_read out-of-bounds_write",
    "dos-resource": "denial_of_service resource_exhaustion + dos uncontrolled_resource_consumption",
}
# names of enterprise techniques whose words stand in captions, by number
_TECHNIQUES = {
    "T1003": "credential_dumping + os_credential_dumping lsass_memory",
    "T1005": "data_from_local_system",
    "T1016": "system_network_configuration_discovery",
    "T1018": "remote_system_discovery",
    "T1021": "remote_services + remote_desktop_protocol rdp",
    "T1027": "obfuscated_files obfuscation + obfuscated_files_or_information obfuscate obfuscated",
    "T1033": "system_owner_discovery + user_discovery",
    "T1036": "masquerading + masquerade",
    "T1041": "exfiltration_over_c2_channel ~ T1048 T1567",
    "T1046": "network_service_discovery + port_scan port_scanning",
    "T1047": "windows_management_instrumentation wmi",
    "T1048": "exfiltration_over_alternative_protocol ~ T1567",
    "T1053": "scheduled_task + scheduled_task_job scheduled_tasks cron task_scheduling",
    "T1055": "process_injection + dll_injection process_hollowing",
    "T1056": "input_capture keylogging + keylogger",
    "T1057": "process_discovery",
    "T1059": "command_and_scripting_interpreter + powershell command_shell scripting_interpreter",
    "T1068": "exploitation_for_privilege_escalation",
    "T1070": "indicator_removal + file_deletion clear_logs",
    "T1071": "application_layer_protocol + web_protocols",
    "T1074": "data_staging + data_staged",
    "T1078": "valid_accounts",
    "T1082": "system_information_discovery",
    "T1083": "file_and_directory_discovery",
    "T1087": "account_discovery",
    "T1090": "connection_proxy + proxy multi-hop_proxy",
    "T1098": "account_manipulation",
    "T1105": "ingress_tool_transfer",
    "T1110": "brute_force + password_spraying credential_stuffing",
    "T1112": "registry_modification + modify_registry",
    "T1113": "screen_capture + screenshot screenshots",
    "T1115": "clipboard_collection + clipboard_data",
    "T1133": "external_remote_services",
    "T1140": "deobfuscation + deobfuscate_decode_files decode_files",
    "T1189": "drive-by_compromise",
    "T1190": "exploitation_of_a_public-facing_application + public-facing_application",
    "T1195": "supply_chain_compromise",
    "T1204": "user_execution + malicious_file malicious_link",
    "T1218": "system_binary_proxy_execution + rundll32 regsvr32 mshta",
    "T1219": "remote_access_tools remote_access_software",
    "T1486": "encryption_for_impact ransomware + data_encrypted_for_impact",
    "T1485": "data_destruction ~ T1561",
    "T1490": "inhibition_of_system_recovery + inhibit_system_recovery",
    "T1497": "sandbox_evasion + virtualization_sandbox_evasion",
    "T1518": "software_discovery",
    "T1543": "creation_of_a_system_process + create_or_modify_system_process windows_service",
    "T1547": "logon_autostart_execution + boot_or_logon_autostart_execution registry_run_keys startup_folder",
    "T1548": "abuse_of_elevation_control + abuse_elevation_control_mechanism bypass_user_account_control",
    "T1553": "subversion_of_trust_controls + subvert_trust_controls code_signing",
    "T1555": "credentials_from_password_stores",
    "T1560": "archiving_of_collected_data + archive_collected_data",
    "T1561": "disk_wipe",
    "T1562": "impairment_of_defenses + impair_defenses disable_security_tools",
    "T1566": "phishing spearphishing + spearphishing_attachment spearphishing_link phishing_messages ~ T1598",
    "T1567": "exfiltration_over_web_service",
    "T1570": "lateral_tool_transfer",
    "T1572": "protocol_tunneling",
    "T1573": "encrypted_channel",
    "T1574": "hijacking_of_execution_flow + hijack_execution_flow dll_side-loading",
    "T1598": "phishing_for_information",
}
# singular | plural, as far as both are said
_PARTS = """
parameter | parameters
header | headers
cookie | cookies
url uri | urls uris
form | forms
file | files
page | pages
database | databases
endpoint | endpoints
registry
process | processes
service | services
browser | browsers
credential password | credentials passwords
email | emails
log | logs
"""
_PRODUCTS = """
wordpress
joomla
drupal
magento
apache
nginx
jenkins
confluence
cisco
oracle
windows
linux
macos
"""
_TOOLS = """
mimikatz
cobalt_strike
psexec
metasploit
netcat
"""
_LANGUAGES = """
php
java
javascript
python
perl
ruby
"""
_ACTORS = """
attacker adversary | attackers adversaries + intruder intruders threat_actor threat_actors
administrator admin | administrators admins ~ user
user | users + visitor visitors victim victims
"""
_REACH = """
remote ~ unauthenticated authenticated
local ~ unauthenticated authenticated
"""
_LOGIN = """
unauthenticated + anonymous unauthorized
authenticated + logged-in
"""
_DEGREE = """
arbitrary
crafted + malicious specially_crafted
internal
external ~ remote
"""
_WEIGHT = """
critical
minor
"""
# third person | participle | plain
_VERBS = """
reads | reading | read + obtains obtain obtaining view accesses access accessing ~ steals collects
modifies changes | modifying changing | modify change + alter ~ writes
deletes removes | deleting removing | delete remove + destroy
executes runs | executing running | execute run + perform launch execution
uploads | uploading | upload ~ writes sends
downloads | downloading | download + fetch retrieve ~ reads
writes | writing | write
injects | injecting | inject + insert ~ writes sends
steals | stealing | steal ~ collects
collects gathers | collecting gathering | collect gather
encrypts | encrypting | encrypt
sends | sending | send + submit submits sending_requests ~ uploads
creates | creating | create ~ writes
bypasses | bypassing | bypass + evade evades evading
"""
_PREPOSITIONS = """
before + prior_to
after
via through + using by
without
"""
_FUNCTIONS = frozenset(
    "a an the this that these those there is are was were be been being has have had may might can could will would "
    "do does did and or but of to from for as it its in on at into with within such not no which who when where if "
    "also both each other another some any all their his her he she they them than then so due e g i ex s".split()
)
_FRAMES = tuple(
    "this is about|a report sentence on|evidence of|it was discovered that|is vulnerable to|is susceptible to"
    "|vulnerability|vulnerabilities|an attack|attack".split("|")
)


def threat_lexicon() -> Lexicon:
    """Return the lexicon of vulnerabilities and techniques; classes are weaknesses, techniques are T numbers."""
    classes = {concept.name: frozenset(concept.forms[0]) for concept in (*_weaknesses(), *_techniques())}
    for name, weakness in TEXT_WEAKNESSES.items():
        classes[name] = classes.get(name, frozenset()) | {weakness.title.lower()}
    return Lexicon(concepts=_concepts(), functions=_FUNCTIONS, frames=_FRAMES, classes=classes)


def _concepts() -> tuple[Concept, ...]:
    return (
        *_weaknesses(),
        *_techniques(),
        *concepts("object", "part", _PARTS),
        *concepts("object", "product", _PRODUCTS),
        *concepts("object", "tool", _TOOLS),
        *concepts("object", "language", _LANGUAGES),
        *concepts("object", "actor", _ACTORS),
        *concepts("attribute", "reach", _REACH),
        *concepts("attribute", "login", _LOGIN),
        *concepts("attribute", "degree", _DEGREE),
        *concepts("attribute", "weight", _WEIGHT),
        *concepts("relation", "verb", _VERBS),
        *concepts("relation", "preposition", _PREPOSITIONS),
    )


def _weaknesses() -> tuple[Concept, ...]:
    return named_concepts("object", THING, _WEAKNESSES)


def _techniques() -> tuple[Concept, ...]:
    # a technique is no kind of flaw: each stands in for its own kind only
    return named_concepts("object", "technique", _TECHNIQUES)
