# Manifest of the module; see Watari.Probe.psm1.
@{
    RootModule        = 'Watari.Probe.psm1'
    ModuleVersion     = '0.1.0'
    GUID              = 'b1f0c1a6-6d0e-4c0c-9a55-1c4d7b8f3e21'
    Author            = 'watari'
    Copyright         = 'MIT'
    Description       = 'What no cmdlet of Windows offers: which ports of other machines answer, what the security policy says, a restart where WMI may not, the Windows Update Agent.'
    PowerShellVersion = '5.1'
    FunctionsToExport = @(
        'Get-UpdateAgent'
        'Install-UpdatePackage'
        'New-UpdateList'
        'Read-Note'
        'Read-SecurityPolicy'
        'Restart-Machine'
        'Start-UpdateTask'
        'Test-Reach'
        'Test-UpdateTask'
        'Write-Note'
    )
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
